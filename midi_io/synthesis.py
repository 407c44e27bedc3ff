"""Songs to sound, by FluidSynth and a SoundFont."""

from __future__ import annotations

import ctypes
import importlib.util
import io
import os
import wave
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.errors import SynthesisError

from .general_midi import PROGRAMS
from .quantize import without_overlaps
from .song import Instrument, Song
from .whole_file import whole_file

SOUNDFONT_FOLDERS = tuple(
    Path(folder)
    for folder in (
        "/usr/share/sounds/sf2",
        "/usr/share/sounds/sf3",
        "/usr/share/soundfonts",
        "/usr/local/share/sounds/sf2",
        "/usr/local/share/sounds/sf3",
        "/usr/local/share/soundfonts",
        "/opt/homebrew/share/soundfonts",
    )
)
_SOUNDFONT_NAMES = (
    "FluidR3_GM",
    "MuseScore_General",
    "MuseScore_General_Full",
    "FluidR3Mono_GM",
    "MuseScore_General_Lite",
    "FluidR3",
    "default-GM",
    "default",
    "TimGM6mb",
)
"""The names of General MIDI fonts, the better first. Others may hold one piano only, so they must be asked for."""
_BUNDLED_SOUNDFONT = "TimGM6mb.sf2"

_DRUM_CHANNEL = 9
_DRUM_BANK = 128
_SETTINGS = {"synth.chorus.active": 0}
"""FluidSynth's chorus is off. Presets of some fonts send into it by themselves, whatever controller 93 says, and come
back louder and in counter-phase: TimGM6mb's strings lose 12 dB when the two channels are heard as one."""
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


def find_soundfont(soundfont: str | os.PathLike[str] | None = None) -> Path:
    """The SoundFont to play with.

    In this order: `soundfont`; a known General MIDI font in the system's folders, large fonts
    before small ones; the small one that comes with pretty_midi.

    Raises
    ------
    SynthesisError
        If the font asked for is not a SoundFont, or if there is none anywhere.
    """
    if soundfont is not None:
        return _checked_soundfont(Path(soundfont))
    for candidate in _system_soundfonts():
        if _is_soundfont(candidate):
            return candidate
    if bundled := _bundled_soundfont():
        return bundled
    raise SynthesisError(
        "no SoundFont found; install one (apt-get install fluid-soundfont-gm) or name one with `soundfont`"
    )


def render(
    song: Song,
    *,
    soundfont: str | os.PathLike[str] | None = None,
    sample_rate: int = 44100,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Play `song`; the same song, font and library give the same samples.

    Notes start within one block of FluidSynth (64 samples, 1.5 ms) of their exact time.
    The end is faded out over 0.4 s or a tenth of the piece, whichever is shorter, and the
    loudest sample is at -1 dBFS.

    Parameters
    ----------
    soundfont
        A SoundFont; if None, the one that `find_soundfont` finds.
    sample_rate
        The samples a second, 8000 to 96000.

    Returns
    -------
    array of float32, shape (n_sample, 2)
        `round(song.duration * sample_rate)` samples, left and right, in -1..1.

    Raises
    ------
    SynthesisError
        If FluidSynth or the SoundFont is missing or unusable.
    """
    if sample_rate not in _SAMPLE_RATES:
        raise ValueError(f"sample_rate must be from 8000 to 96000, got {sample_rate}")
    n_sample = round(song.duration * sample_rate)
    audio = np.zeros((n_sample, 2), np.float32)
    if song.notes and n_sample:
        with closing(_Synthesizer(find_soundfont(soundfont), sample_rate)) as synth:
            _play(synth, _events_of(song, sample_rate, n_sample), audio, progress)
        _fade_out(audio, sample_rate)
        _normalise(audio)
    if progress is not None:
        progress(1.0)
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

    def __init__(self, soundfont: Path, sample_rate: int) -> None:
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
            self._set_up(soundfont)
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

    def _set_up(self, soundfont: Path) -> None:
        with _quiet_stderr():
            font = self._synth.sfload(str(soundfont))
        if font < 0:
            raise SynthesisError(f"{soundfont}: FluidSynth cannot load it; choose another SoundFont with `soundfont`")
        self._synth.set_reverb(_REVERB_ROOM, _REVERB_DAMPING, _REVERB_WIDTH, _REVERB_LEVEL)
        for instrument in Instrument:
            channel = _channel_of(instrument)
            if not self._select(channel, font, instrument):
                raise SynthesisError(
                    f"{soundfont}: has no sound for {instrument.label}; "
                    "choose a General MIDI SoundFont with `soundfont`"
                )
            self._synth.cc(channel, _PAN, _PANS.get(instrument, _CENTRE))
            self._synth.cc(channel, _REVERB_SEND, _REVERB_SENDS[instrument])

    def _select(self, channel: int, font: int, instrument: Instrument) -> bool:
        bank = _DRUM_BANK if instrument is Instrument.DRUMS else 0
        # A small font may have only the first program of a bank.
        return any(
            self._synth.program_select(channel, font, bank, program) == 0 for program in (PROGRAMS[instrument], 0)
        )


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
    peak = float(np.max(np.abs(audio)))
    if peak > _SILENCE:
        audio *= np.float32(_PEAK / peak)


def _system_soundfonts() -> Iterator[Path]:
    for name in _SOUNDFONT_NAMES:
        for folder in SOUNDFONT_FOLDERS:
            for suffix in (".sf2", ".sf3"):
                yield folder / f"{name}{suffix}"


def _bundled_soundfont() -> Path | None:
    spec = importlib.util.find_spec("pretty_midi")  # finds the package without importing it
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name(_BUNDLED_SOUNDFONT)
    return path if _is_soundfont(path) else None


def _is_soundfont(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return head[:4] == b"RIFF" and head[8:] == b"sfbk"


def _checked_soundfont(path: Path) -> Path:
    path = path.expanduser()
    if not path.is_file():
        raise SynthesisError(f"{path}: no such file; correct `soundfont`")
    if not _is_soundfont(path):
        raise SynthesisError(f"{path}: not a SoundFont (.sf2, .sf3); correct `soundfont`")
    return path
