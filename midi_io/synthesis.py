"""Songs to sound, by FluidSynth and a SoundFont."""

from __future__ import annotations

import ctypes
import importlib.util
import io
import os
import wave
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, redirect_stdout
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.errors import SynthesisError

from .general_midi import PROGRAMS
from .mastering import TARGET, mastered
from .quantize import without_overlaps
from .song import Instrument, Song
from .whole_file import whole_file

SAMPLE_RATE = 44100
"""The samples a second of music that is to be heard."""
OUR_SOUNDFONT = Path(str(resources.files("midi_io") / "assets" / "FluidR3Mono_band.sf3"))
"""The SoundFont that comes with the package; data/make_soundfont.py made it."""

_DRUM_CHANNEL = 9
_DRUM_BANK = 128
_SETTINGS = {"synth.chorus.active": 0, "synth.dynamic-sample-loading": 1}
"""FluidSynth's chorus is off. Presets of some fonts send into it by themselves, whatever controller 93 says, and come
back louder and in counter-phase: TimGM6mb's strings lose 12 dB when the two channels are heard as one. Samples are
loaded with the programs that play them, not with the font: a compressed font need not be unpacked whole."""
_UNSUPPORTED = ": it is damaged, or the library was built without libsndfile, which compressed fonts (.sf3) need"
_PAN, _REVERB_SEND = 10, 91
_CENTRE = 64
_PANS = {Instrument.PIANO: 54, Instrument.GUITAR: 82, Instrument.STRINGS: 44}
"""The values of controller 10, from 0 (left) to 127; drums and bass stay in the middle."""
_REVERB_SENDS = {
    Instrument.DRUMS: 24,
    Instrument.PIANO: 40,
    Instrument.GUITAR: 40,
    Instrument.BASS: 12,
    Instrument.STRINGS: 60,
}
_REVERB_ROOM, _REVERB_DAMPING, _REVERB_WIDTH, _REVERB_LEVEL = 0.5, 0.3, 0.8, 0.5
_GAIN = 0.3
_PEAK = 10 ** (-1.0 / 20)
"""The loudest sample is brought to -1 dBFS: lossy coding overshoots a little."""
_SILENCE = 1e-4
"""A peak below -80 dBFS is noise, not music, and is not made louder."""
_FADE_SECONDS = 0.4
_FADE_SHARE = 0.1
_BLOCK = 8192
_SAMPLE_RATES = range(8000, 96001)

Progress = Callable[[float], object]
"""A function that is called now and then with the share that is done, 0 to 1."""


class _Event(NamedTuple):
    """A key pressed or released. Sorts by time, releases before presses."""

    sample: int
    is_on: bool
    channel: int
    key: int
    velocity: int


def has_fluidsynth() -> bool:
    """Whether both pyfluidsynth and the FluidSynth library can be loaded."""
    try:
        _load_fluidsynth()
    except SynthesisError:
        return False
    return True


def fluidsynth_version() -> str:
    """The version of the FluidSynth library, such as 2.3.1.

    Raises
    ------
    SynthesisError
        If pyfluidsynth or the library cannot be loaded.
    """
    return str(_load_fluidsynth().cfunc("fluid_version_str", ctypes.c_char_p)().decode())


def find_soundfont(soundfont: str | os.PathLike[str] | None = None) -> Path:
    """The SoundFont to play with: `soundfont`, or the one that comes with the package if it is None.

    Fonts of the system are not looked for, so that the same song sounds the same everywhere.

    Raises
    ------
    SynthesisError
        If there is no such file, or it is no SoundFont.
    """
    if soundfont is not None:
        return _checked_soundfont(Path(soundfont).expanduser(), "correct `soundfont`")
    return _checked_soundfont(OUR_SOUNDFONT, "install video-cmt anew, or name another font with `soundfont`")


def ready_soundfont(soundfont: str | os.PathLike[str] | None, otherwise: str) -> Path:
    """The SoundFont that will play, found before minutes of work, so that they are not lost.

    Parameters
    ----------
    otherwise
        What to do where nothing can be played, such as "choose `midi_only`"; the message ends with it.

    Raises
    ------
    SynthesisError
        If FluidSynth is missing, or the SoundFont is none or missing.
    """
    try:
        _load_fluidsynth()
    except SynthesisError as error:
        raise SynthesisError(f"{error}; or {otherwise}") from error
    return find_soundfont(soundfont)


def render(
    song: Song,
    *,
    soundfont: str | os.PathLike[str] | None = None,
    sample_rate: int = SAMPLE_RATE,
    programs: Mapping[Instrument, int] = PROGRAMS,
    loudness: float | None = TARGET,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Play `song`; the same song, font and library give the same samples.

    Notes start within one block of FluidSynth (64 samples, 1.5 ms) of their exact time.
    The end is faded out over 0.4 s or a tenth of the piece, whichever is shorter.

    Parameters
    ----------
    soundfont
        A SoundFont; if None, the one that `find_soundfont` finds.
    sample_rate
        The samples a second, 8000 to 96000.
    programs
        The General MIDI program of each instrument, 0 to 127; of the drums, the kit.
    loudness
        The integrated loudness in LUFS, with true peaks below -1 dBTP (see `mastered`); None leaves the sound as it is
        played, its loudest sample at -1 dBFS.

    Returns
    -------
    array of float32, shape (n_sample, 2)
        `round(song.duration * sample_rate)` samples, left and right, in -1..1.

    Raises
    ------
    SynthesisError
        If FluidSynth or the SoundFont is missing or unusable.
    """
    audio = play(song, soundfont=soundfont, sample_rate=sample_rate, programs=programs, progress=progress)
    _fade_out(audio, sample_rate)
    _normalise(audio)
    if loudness is not None:
        audio = mastered(audio, sample_rate, loudness)
    if progress is not None:
        progress(1.0)
    return audio


def play(
    song: Song,
    *,
    soundfont: str | os.PathLike[str] | None = None,
    sample_rate: int = SAMPLE_RATE,
    programs: Mapping[Instrument, int] = PROGRAMS,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Play `song` as `render` does, without its fade and at FluidSynth's own loudness, which may pass 1."""
    if sample_rate not in _SAMPLE_RATES:
        raise ValueError(f"sample_rate must be from 8000 to 96000, got {sample_rate}")
    n_sample = round(song.duration * sample_rate)
    audio = np.zeros((n_sample, 2), np.float32)
    if song.notes and n_sample:
        with closing(_Synthesizer(find_soundfont(soundfont), sample_rate, programs)) as synth:
            _play(synth, _events_of(song, sample_rate, n_sample), audio, progress)
    return audio


def write_wav(audio: NDArray[np.floating], path: str | os.PathLike[str], sample_rate: int) -> None:
    """Write `audio`, shape `(n_sample,)` or `(n_sample, n_channel)` in -1..1, as 16-bit PCM.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    channels = 1 if audio.ndim == 1 else audio.shape[1]
    samples = np.rint(np.clip(audio, -1.0, 1.0) * 32767.0).astype("<i2")
    with whole_file(path) as unfinished, wave.open(str(unfinished), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.tobytes())


def _load_fluidsynth() -> Any:
    if importlib.util.find_spec("fluidsynth") is None:
        raise SynthesisError("the Python package pyfluidsynth is missing; pip install pyfluidsynth")
    try:
        with redirect_stdout(io.StringIO()):  # with $CI set, pyfluidsynth says where it found the library
            import fluidsynth
    except (ImportError, OSError, AttributeError) as error:
        raise SynthesisError(
            f"the FluidSynth library cannot be loaded ({error}); install it: "
            "apt-get install --no-install-recommends libfluidsynth3, on macOS brew install fluid-synth"
        ) from error
    return fluidsynth


class _Synthesizer:
    """One FluidSynth with a SoundFont loaded and a channel set up for each instrument.

    It is asked for samples by hand and never started: `Synth.start` would open a sound
    card. pyfluidsynth only hands out 16-bit samples, which a dense passage would clip, so
    the library's float output is declared here.
    """

    def __init__(self, soundfont: Path, sample_rate: int, programs: Mapping[Instrument, int]) -> None:
        fluidsynth = _load_fluidsynth()
        _silence_log(fluidsynth)
        self._synth = fluidsynth.Synth(gain=_GAIN, samplerate=float(sample_rate), channels=16, **_SETTINGS)
        pointer, integer = ctypes.c_void_p, ctypes.c_int
        self._write_float = fluidsynth.cfunc(
            "fluid_synth_write_float",
            integer,
            ("synth", pointer, 1),
            ("len", integer, 1),
            ("left", pointer, 1),
            ("left_offset", integer, 1),
            ("left_step", integer, 1),
            ("right", pointer, 1),
            ("right_offset", integer, 1),
            ("right_step", integer, 1),
        )
        try:
            with _quiet_stderr():
                self._set_up(soundfont, programs)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._synth.delete()

    def apply(self, event: _Event) -> None:
        if event.is_on:
            self._synth.noteon(event.channel, event.key, event.velocity)
        else:
            self._synth.noteoff(event.channel, event.key)

    def fill(self, audio: NDArray[np.float32]) -> None:
        """Write the next `len(audio)` samples into `audio`, C-contiguous, shape (n_sample, 2)."""
        address = audio.ctypes.data
        if self._write_float(self._synth.synth, len(audio), address, 0, 2, address, 1, 2) != 0:
            raise SynthesisError("FluidSynth stopped; try another SoundFont with `soundfont`")

    def _set_up(self, soundfont: Path, programs: Mapping[Instrument, int]) -> None:
        font = self._synth.sfload(str(soundfont))
        if font < 0:
            reason = _UNSUPPORTED if _is_compressed(soundfont) else ""
            raise SynthesisError(
                f"{soundfont}: FluidSynth cannot load it{reason}; choose another SoundFont with `soundfont`"
            )
        self._synth.set_reverb(_REVERB_ROOM, _REVERB_DAMPING, _REVERB_WIDTH, _REVERB_LEVEL)
        for instrument in Instrument:
            channel = _channel_of(instrument)
            if not self._select(channel, font, instrument, programs[instrument]):
                raise SynthesisError(
                    f"{soundfont}: has no sound for {instrument.label}; "
                    "choose a General MIDI SoundFont with `soundfont`"
                )
            self._synth.cc(channel, _PAN, _PANS.get(instrument, _CENTRE))
            self._synth.cc(channel, _REVERB_SEND, _REVERB_SENDS[instrument])

    def _select(self, channel: int, font: int, instrument: Instrument, program: int) -> bool:
        bank = _DRUM_BANK if instrument is Instrument.DRUMS else 0
        # A small font may lack the program, or have only the first one of a bank.
        choices = (program, PROGRAMS[instrument], 0)
        return any(self._synth.program_select(channel, font, bank, choice) == 0 for choice in choices)


def _silence_log(fluidsynth: Any) -> None:
    """Keep FluidSynth's warnings off the terminal: each is reported here or harmless."""
    for level in range(5):
        fluidsynth._fl.fluid_set_log_function(level, None, None)


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Send what C libraries print while loading a font to nowhere; Python cannot catch it otherwise."""
    try:
        terminal = os.dup(2)
    except OSError:  # no standard error at all
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def _channel_of(instrument: Instrument) -> int:
    return _DRUM_CHANNEL if instrument is Instrument.DRUMS else int(instrument) - 1


def _events_of(song: Song, sample_rate: int, n_sample: int) -> list[_Event]:
    events = []
    for note in without_overlaps(song.notes):
        start = round(song.seconds(note.position) * sample_rate)
        end = round(song.seconds(note.position + note.duration) * sample_rate)
        channel = _channel_of(note.instrument)
        if start < n_sample:
            events.append(_Event(start, True, channel, note.pitch, note.velocity))
            events.append(_Event(end, False, channel, note.pitch, 0))
    return sorted(events)


def _play(synth: _Synthesizer, events: list[_Event], audio: NDArray[np.float32], progress: Progress | None) -> None:
    n_sample = len(audio)
    upcoming = iter(events)
    event = next(upcoming, None)
    sample = 0
    while sample < n_sample:
        while event is not None and event.sample <= sample:
            synth.apply(event)
            event = next(upcoming, None)
        stop = min(n_sample, sample + _BLOCK, n_sample if event is None else event.sample)
        synth.fill(audio[sample:stop])
        sample = stop
        if progress is not None:
            progress(sample / n_sample)


def _fade_out(audio: NDArray[np.float32], sample_rate: int) -> None:
    n_fade = int(min(_FADE_SECONDS * sample_rate, _FADE_SHARE * len(audio)))
    if n_fade:
        slope = 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, n_fade, dtype=np.float32))
        audio[-n_fade:] *= slope[:, np.newaxis]


def _normalise(audio: NDArray[np.float32]) -> None:
    peak = float(np.max(np.abs(audio), initial=0.0))
    if peak > _SILENCE:
        audio *= np.float32(_PEAK / peak)


def _checked_soundfont(path: Path, cure: str) -> Path:
    """The path, if a SoundFont lies there whole; what else it may be is said in one line that ends with `cure`."""
    try:
        with open(path, "rb") as file:
            head = file.read(12)
            size = file.seek(0, os.SEEK_END)
    except FileNotFoundError as error:
        raise SynthesisError(f"{path}: no such file; {cure}") from error
    except OSError as error:
        raise SynthesisError(f"{path}: cannot be read ({error.strerror or error}); {cure}") from error
    if not size:
        raise SynthesisError(f"{path}: is empty, not a SoundFont; {cure}")
    if head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise SynthesisError(f"{path}: not a SoundFont (.sf2, .sf3); {cure}")
    whole = 8 + int.from_bytes(head[4:8], "little")
    if size < whole:
        raise SynthesisError(f"{path}: is cut off, {size} bytes of {whole}; {cure}")
    return path


def _is_compressed(soundfont: Path) -> bool:
    """Whether the font is an .sf3: its first chunk, `ifil`, says version 3."""
    with open(soundfont, "rb") as file:
        head = file.read(34)
    return head[24:28] == b"ifil" and head[32:34] == b"\3\0"
