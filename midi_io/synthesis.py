"""Performances to sound, each voice for itself, by FluidSynth and a SoundFont."""

from __future__ import annotations

import ctypes
import importlib.util
import io
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from enum import IntEnum
from functools import partial
from importlib import resources
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from cmt.errors import SynthesisError

from .general_midi import PROGRAMS, programs_nearest_to, sound_name
from .input_file import opened
from .performance import BEND, CENTRE, MOST, PAN, VOLUME, Performance, Voice, ends_at_next_stroke
from .song import Instrument

SAMPLE_RATE = 44100
"""The samples a second of music that is to be heard."""
OUR_SOUNDFONT = Path(str(resources.files("midi_io") / "assets" / "FluidR3Mono_band.sf3"))
"""The SoundFont that comes with the package; data/make_soundfont.py made it."""

DRUM_BANK = 128
"""The bank of a SoundFont that has the drum kits."""
_SETTINGS = {"synth.chorus.active": 0, "synth.reverb.active": 0, "synth.dynamic-sample-loading": 1}
"""FluidSynth's effects are off. Presets of some fonts send into its chorus by themselves, whatever controller 93 says,
and come back louder and in counter-phase: TimGM6mb's strings lose 12 dB when the two channels are heard as one. The
room is ours (`midi_io.reverb`). Samples are loaded with the programs that play them, not with the font: a compressed
font need not be unpacked whole."""
_UNSUPPORTED = ": it is damaged, or the library was built without libsndfile, which compressed fonts (.sf3) need"
_OTHER_SIDE = {25: 27, 26: 27, 27: 26, 28: 27, 29: 30, 30: 29}
"""The program of a doubled voice's second player: of another sound, the two sides do not cancel when they are heard as
one."""
_DOUBLE_LATE = 0.009
"""Seconds by which the second player comes later..."""
_DOUBLE_BEND = 200
"""...and 8,192ths of a whole tone by which he is higher: five hundredths of a semitone."""
_GAIN = 0.3
_BLOCK = 8192
SAMPLE_RATES = range(8000, 96001)
"""The samples a second that may be asked for."""


class Timed(Protocol):
    """What happens at a sample."""

    @property
    def sample(self) -> int:
        """The sample."""


AnyEvent = TypeVar("AnyEvent", bound=Timed)


class _Kind(IntEnum):
    """What happens. In the order in which it happens at one time."""

    RELEASE = 0
    CONTROL = 1
    PRESS = 2


class _Event(NamedTuple):
    """A key pressed or released, a controller moved."""

    sample: int
    kind: _Kind
    channel: int
    number: int
    """The key, or the controller."""
    value: int
    """The velocity, or the controller's value."""


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


class Playing:
    """A performance that is being played: samples of each voice, block by block.

    Notes start within one block of FluidSynth (64 samples, 1.5 ms) of their exact time; the same performance, font and
    library give the same samples.

    Raises
    ------
    SynthesisError
        If FluidSynth or the SoundFont is missing or unusable.
    """

    def __init__(
        self,
        performance: Performance,
        soundfont: str | os.PathLike[str] | None = None,
        sample_rate: int = SAMPLE_RATE,
        tail: float = 0.0,
    ) -> None:
        """`tail` is for how many seconds more it is played when the piece is over."""
        if sample_rate not in SAMPLE_RATES:
            raise ValueError(f"sample_rate must be from 8000 to 96000, got {sample_rate}")
        self.n_sample = round(performance.timeline.duration * sample_rate)
        """The samples of the piece."""
        self.n_played = self.n_sample + round(tail * sample_rate)
        """The samples of all that is played."""
        self.fallbacks: tuple[str, ...] = ()
        """A line for each voice that plays another program than asked, because the font lacks it; known when the first
        block is."""
        self.band = performance.band
        """Who plays."""
        self.sounding = frozenset(note.voice for note in performance.notes)
        """The numbers of the voices that have notes."""
        self._performance, self._soundfont, self._sample_rate = performance, soundfont, sample_rate

    def blocks(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The first sample of each block and the block, (n_voice, 2, n_sample), which is valid until the next one.

        A piece without notes gives none.
        """
        if not (self._performance.notes and self.n_sample):
            return
        players = _players_of(self._performance)
        font = find_soundfont(self._soundfont)
        with synthesizer(font, self._sample_rate, len(players)) as synth:
            self.fallbacks = tuple(_set_up(synth, font, players))
            events = _events_of(self._performance, players, self._sample_rate, self.n_sample)
            voices = [player.voice for player in players]
            n_voice = len(self._performance.band.voices)
            for begin, sounds in synth.play(events, partial(_apply, synth), self.n_played):
                block = np.zeros((n_voice, *sounds.shape[1:]), np.float32)
                for voice, sound in zip(voices, sounds, strict=True):
                    block[voice] += sound
                yield begin, block


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


class _Player(NamedTuple):
    """Who plays a voice, on a channel of his own; a doubled voice has two."""

    voice: int
    sound: Voice
    program: int
    pan: int
    late: float = 0.0
    """Seconds by which he is later than the notes say."""
    bend: int = 0
    """8,192ths of a whole tone by which he is higher."""


def _players_of(performance: Performance) -> list[_Player]:
    players = []
    for number, voice in enumerate(performance.band.voices):
        players.append(_Player(number, voice, voice.program, voice.pan))
        if voice.doubled:
            other = _OTHER_SIDE.get(voice.program, voice.program)
            pan = min(MOST, 2 * CENTRE - voice.pan)
            players.append(_Player(number, voice, other, pan, _DOUBLE_LATE, _DOUBLE_BEND))
    return players


class Synthesizer:
    """One FluidSynth with a SoundFont loaded and a number of channels, each with an output of its own.

    It is asked for samples by hand and never started: `Synth.start` would open a sound
    card. pyfluidsynth only hands out 16-bit samples of the mix, so the library's function for
    float samples of each output is declared here.

    Raises
    ------
    SynthesisError
        If FluidSynth is missing, or cannot load the SoundFont.
    """

    def __init__(self, soundfont: Path, sample_rate: int, n_channel: int) -> None:
        fluidsynth = _load_fluidsynth()
        _silence_log(fluidsynth)
        self._n_channel = n_channel
        outputs = {"synth.audio-groups": n_channel, "synth.audio-channels": n_channel}
        channels = 16 * -(-n_channel // 16)
        settings = {**_SETTINGS, **outputs}
        self._synth = fluidsynth.Synth(gain=_GAIN, samplerate=float(sample_rate), channels=channels, **settings)
        pointer, integer = ctypes.c_void_p, ctypes.c_int
        names = ("left", "right", "fx_left", "fx_right")
        self._write_float = fluidsynth.cfunc(
            "fluid_synth_nwrite_float",
            integer,
            ("synth", pointer, 1),
            ("len", integer, 1),
            *((name, pointer, 1) for name in names),
        )
        pressed = (("synth", pointer, 1), ("chan", integer, 1), ("val", integer, 1))
        self._channel_pressure = fluidsynth.cfunc("fluid_synth_channel_pressure", integer, *pressed)
        key = ("key", integer, 1)
        self._key_pressure = fluidsynth.cfunc("fluid_synth_key_pressure", integer, *pressed[:2], key, pressed[2])
        self._pointers = pointer * n_channel
        try:
            with _quiet_stderr():
                self._font = self._synth.sfload(str(soundfont))
            if self._font < 0:
                reason = _UNSUPPORTED if _is_compressed(soundfont) else ""
                raise SynthesisError(
                    f"{soundfont}: FluidSynth cannot load it{reason}; choose another SoundFont with `soundfont`"
                )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give back what the library holds."""
        self._synth.delete()

    def select(self, channel: int, bank: int, program: int) -> bool:
        """Give a channel a sound; False, and nothing changes, if the font has none."""
        with _quiet_stderr():
            return bool(self._synth.program_select(channel, self._font, bank, program) == 0)

    def press(self, channel: int, key: int, velocity: int) -> None:
        """Press a key."""
        self._synth.noteon(channel, key, velocity)

    def release(self, channel: int, key: int) -> None:
        """Release a key."""
        self._synth.noteoff(channel, key)

    def control(self, channel: int, controller: int, value: int) -> None:
        """Move a controller."""
        self._synth.cc(channel, controller, value)

    def bend(self, channel: int, value: int) -> None:
        """Bend all notes of a channel, by 8,192ths of its range."""
        self._synth.pitch_bend(channel, value)

    def pressure(self, channel: int, value: int, key: int | None = None) -> None:
        """Lean on a key that is pressed, or on all of a channel."""
        if key is None:
            self._channel_pressure(self._synth.synth, channel, value)
        else:
            self._key_pressure(self._synth.synth, channel, key, value)

    def play(
        self, events: Iterable[AnyEvent], apply: Callable[[AnyEvent], object], n_sample: int
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The first sample of each block and the block, (n_channel, 2, n), while events, in order, are applied."""
        upcoming = iter(events)
        event = next(upcoming, None)
        for begin in range(0, n_sample, _BLOCK):
            length = min(_BLOCK, n_sample - begin)
            sounds = np.zeros((self._n_channel, 2, length), np.float32)
            sample = 0
            while sample < length:
                while event is not None and event.sample <= begin + sample:
                    apply(event)
                    event = next(upcoming, None)
                stop = length if event is None else min(length, event.sample - begin)
                self._fill(sounds, sample, stop)
                sample = stop
            yield begin, sounds

    def _fill(self, sounds: NDArray[np.float32], begin: int, end: int) -> None:
        """Write the samples from `begin` to `end` of `sounds`, C-contiguous, shape (n_channel, 2, n_sample)."""
        channel, side, sample = sounds.strides
        first = sounds.ctypes.data + begin * sample
        left = self._pointers(*(first + number * channel for number in range(self._n_channel)))
        right = self._pointers(*(first + number * channel + side for number in range(self._n_channel)))
        if self._write_float(self._synth.synth, end - begin, left, right, None, None) != 0:
            raise SynthesisError("FluidSynth stopped; try another SoundFont with `soundfont`")


_kept: list[Synthesizer] = []
_keeping = Lock()


@contextmanager
def synthesizer(soundfont: Path, sample_rate: int, n_channel: int) -> Iterator[Synthesizer]:
    """A `Synthesizer` to play with.

    FluidSynth unpacks the samples of a compressed font for the first that plays them, which takes a third of a second
    for a band, and shares them while anybody has them. So one that has played is kept until the next has.
    """
    synth, is_packed = Synthesizer(soundfont, sample_rate, n_channel), _is_compressed(soundfont)
    try:
        yield synth
    finally:
        if is_packed:
            with _keeping:
                _kept.append(synth)
                if len(_kept) > 1:
                    _kept.pop(0).close()
        else:
            synth.close()


def _apply(synth: Synthesizer, event: _Event) -> None:
    if event.kind is _Kind.PRESS:
        synth.press(event.channel, event.number, event.value)
    elif event.kind is _Kind.RELEASE:
        synth.release(event.channel, event.number)
    elif event.number == BEND:
        synth.bend(event.channel, event.value)
    else:
        synth.control(event.channel, event.number, event.value)


def _set_up(synth: Synthesizer, soundfont: Path, players: list[_Player]) -> list[str]:
    """Give each player his channel; a line for each who plays another program than asked."""
    fallbacks = []
    for channel, player in enumerate(players):
        instrument = player.sound.instrument
        chosen = _select(synth, channel, instrument, player.program)
        if chosen is None:
            raise SynthesisError(
                f"{soundfont}: has no sound for {instrument.label}; choose a General MIDI SoundFont with `soundfont`"
            )
        if chosen != player.program and not player.late:
            is_drum = instrument is Instrument.DRUMS
            lacks, plays = sound_name(player.program, is_drum), sound_name(chosen, is_drum)
            fallbacks.append(f"the SoundFont {soundfont.name} has no {lacks}: {instrument.label} sounds as {plays}")
        synth.control(channel, VOLUME, player.sound.volume)
        synth.control(channel, PAN, player.pan)
        if player.bend:
            synth.bend(channel, player.bend)
    return fallbacks


def _select(synth: Synthesizer, channel: int, instrument: Instrument, program: int) -> int | None:
    """The program that is chosen, if the font has any: the one asked for, or the nearest of its family."""
    bank = DRUM_BANK if instrument is Instrument.DRUMS else 0
    choices = (*programs_nearest_to(program), PROGRAMS[instrument], 0)
    return next((choice for choice in choices if synth.select(channel, bank, choice)), None)


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


def _events_of(performance: Performance, players: list[_Player], sample_rate: int, n_sample: int) -> list[_Event]:
    seconds = performance.timeline.seconds
    channels: dict[int, list[int]] = {}
    for channel, player in enumerate(players):
        channels.setdefault(player.voice, []).append(channel)
    events = []
    for note in ends_at_next_stroke(performance.notes):
        start, end = seconds(note.start), seconds(note.end)
        for channel in channels[note.voice]:
            first, last = (round((time + players[channel].late) * sample_rate) for time in (start, end))
            if 0 <= first < n_sample:
                events.append(_Event(first, _Kind.PRESS, channel, note.pitch, note.velocity))
                events.append(_Event(last, _Kind.RELEASE, channel, note.pitch, 0))
    for control in performance.controls:
        sample = max(0, round(seconds(control.position) * sample_rate))
        events += [
            _Event(sample, _Kind.CONTROL, channel, control.number, control.value)
            for channel in channels.get(control.voice, ())
        ]
    return sorted(events)


def _checked_soundfont(path: Path, cure: str) -> Path:
    """The path, if a SoundFont lies there whole; what else it may be is said in one line that ends with `cure`."""
    if not os.path.exists(path):
        raise SynthesisError(f"{path}: no such file; {cure}")
    with opened(path, SynthesisError) as file:
        head = file.read(12)
        size = file.seek(0, os.SEEK_END)
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
