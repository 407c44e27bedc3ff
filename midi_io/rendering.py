"""From a performance to finished sound: every voice on its own way, the room, the mix, the master."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cmt.errors import WriteError

from .beside import Beside, OnTrack, dip, put_beside, track_of
from .file_playing import FilePlaying
from .mastering import TARGET, Master, master
from .midi_content import MidiContent
from .performance import MOST, Performance, as_performance
from .reverb import echoes, reach
from .song import Instrument, Song
from .synthesis import SAMPLE_RATE, Playing

_PEAK = 10 ** (-1.0 / 20)
"""The loudest sample is brought to -1 dBFS: lossy coding overshoots a little."""
_SILENCE = 1e-4
"""A peak below -80 dBFS is noise, not music, and is not made louder."""
_FADE_SECONDS = 0.4
_FADE_SHARE = 0.1
_TAIL_SECONDS = 8.0
"""A loop is played on for this long, and as long as its room answers: the longest cymbal of our font has died away."""
_LIMITER_MEMORY = 1.0
"""Seconds after which a limiter has forgotten what it did: so much of a loop's other end is mastered before and behind
it."""

_RING_END = 1e-3
"""What rings on after the end of a file is over where it is 60 dB below the loudest sample."""
_RING_FADE_SECONDS = 2.0
"""What rings longer than it is played goes in so long."""

Music: TypeAlias = Song | Performance | MidiContent
"""What can be played: a song, a performance of one, or a MIDI file as it is."""
Progress = Callable[[float], object]
"""A function that is called now and then with the share that is done, 0 to 1."""
OnStem = Callable[[str, NDArray[np.float32]], object]
"""A function that is called with the name of an instrument, such as ``drums``, and its sound, (n_sample, 2)."""


class Fades(NamedTuple):
    """How a piece comes and goes, in seconds."""

    begin: float = 0.0
    """From silence."""
    end: float | None = None
    """To silence; None is 0.4 s or a tenth of the piece, whichever is shorter."""


USUAL_FADES = Fades()


class Sound(NamedTuple):
    """What `sound_of` made."""

    audio: NDArray[np.float32]
    """(n_sample, 2) left and right, in -1..1."""
    fallbacks: tuple[str, ...]
    """A line for each voice whose program the SoundFont lacks."""


def render(
    music: Music,
    *,
    soundfont: str | os.PathLike[str] | None = None,
    sample_rate: int = SAMPLE_RATE,
    loudness: float | None = TARGET,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Play `music`; the same music, font and library give the same samples.

    A song is played by `midi_io.performance.STANDARD_BAND`, each note exactly on its sixteenth. Notes start within one
    block of FluidSynth (64 samples, 1.5 ms) of their time. The end is faded out over 0.4 s or a tenth of the piece,
    whichever is shorter.

    Parameters
    ----------
    soundfont
        A SoundFont; if None, the one that `find_soundfont` finds.
    sample_rate
        The samples a second, 8000 to 96000.
    loudness
        The integrated loudness in LUFS, with true peaks below -1 dBTP (see `mastered`); None leaves the sound as it is
        played, its loudest sample at -1 dBFS.

    Returns
    -------
    array of float32, shape (n_sample, 2)
        `round(duration * sample_rate)` samples, left and right, in -1..1.

    Raises
    ------
    SynthesisError
        If FluidSynth or the SoundFont is missing or unusable.
    """
    return sound_of(music, soundfont=soundfont, sample_rate=sample_rate, loudness=loudness, progress=progress).audio


def sound_of(
    music: Music,
    *,
    soundfont: str | os.PathLike[str] | None = None,
    sample_rate: int = SAMPLE_RATE,
    loudness: float | None = TARGET,
    fades: Fades = USUAL_FADES,
    loop: bool = False,
    on_stem: OnStem | None = None,
    scratch: Path | None = None,
    beside: Beside | None = None,
    on_beside: OnTrack | None = None,
    progress: Progress | None = None,
) -> Sound:
    """What `render` does, with what did not go as asked, and with stems if they are wanted.

    A `loop` has no fades: what rings on after its end, and what the room answers, sounds at its beginning, and its
    peaks are held as if it had been playing for ever. It is `round(duration * sample_rate)` samples long, like every
    piece, and plays on without a seam.

    `on_stem` is called once for each instrument that plays. Stems have their share of the room, and of the limiter's
    work, which is the mix's: their sum is the mix. Until they are mixed they lie in the folder `scratch`, if it is None
    in that of the system for temporary files, 12 bytes for each sample and instrument.

    What sounds `beside` the music is in the mix too, and the music goes down under it; `on_beside` is called with it
    alone, and with it the stems are the mix.

    Raises
    ------
    SynthesisError
        If FluidSynth or the SoundFont is missing or unusable.
    WriteError
        If the disk has no room for the stems.
    """
    playing = _playing_of(music, soundfont, sample_rate, loop)
    n_piece = playing.n_sample if loop else None
    with closing(_Tracks(playing, n_piece)) as tracks:
        if on_stem is not None:
            tracks.keep_apart(scratch)
        for begin, block in playing.blocks():
            tracks.add(begin, block)
            if progress is not None:
                progress(min(0.99, (begin + block.shape[2]) / playing.n_played))
        played = tracks.mix(sample_rate)
        if isinstance(playing, FilePlaying):
            played, fades = _with_its_ring(played, playing.n_sample, fades)
        put_beside(played, beside, sample_rate)
        played = _faded(played, sample_rate, fades, loop)
        peak = float(np.max(np.abs(played), initial=0.0))
        factor = np.float32(_PEAK / peak if peak > _SILENCE else 1.0)
        played *= factor
        audio, gain = played, np.ones(1, np.float32)
        if loudness is not None:
            audio, gain = (_mastered_loop if loop else master)(audio, sample_rate, loudness)
        if on_stem is not None:
            for name, whole in tracks.stems(sample_rate):
                stem = whole[: len(played)]
                dip(stem, beside)
                on_stem(name, _faded(stem, sample_rate, fades, loop) * factor * gain[:, np.newaxis])
        if beside is not None and on_beside is not None:
            on_beside(_faded(track_of(beside, len(played)), sample_rate, fades, loop) * factor * gain[:, np.newaxis])
    if progress is not None:
        progress(1.0)
    if isinstance(music, MidiContent) and peak <= _SILENCE:
        return Sound(audio, (*playing.fallbacks, "nothing is heard: the file turns all its notes down to silence"))
    return Sound(audio, playing.fallbacks)


def play(
    music: Music,
    *,
    soundfont: str | os.PathLike[str] | None = None,
    sample_rate: int = SAMPLE_RATE,
) -> NDArray[np.float32]:
    """Play `music` as `render` does, without its fade and at FluidSynth's own loudness, which may pass 1."""
    playing = _playing_of(music, soundfont, sample_rate, loop=False)
    tracks = _Tracks(playing)
    for begin, block in playing.blocks():
        tracks.add(begin, block)
    return tracks.mix(sample_rate)


def _playing_of(
    music: Music, soundfont: str | os.PathLike[str] | None, sample_rate: int, loop: bool
) -> Playing | FilePlaying:
    if isinstance(music, MidiContent):
        if loop:
            raise ValueError("a MIDI file is played as it is, and is no loop")
        return FilePlaying(music, soundfont, sample_rate)
    performance = as_performance(music)
    tail = _TAIL_SECONDS + reach(performance.band.room) if loop else 0.0
    return Playing(performance, soundfont, sample_rate, tail)


def _with_its_ring(played: NDArray[np.float32], n_sample: int, fades: Fades) -> tuple[NDArray[np.float32], Fades]:
    """A file's sound up to where nothing rings any more, at least `n_sample` samples, and its fades."""
    loud = np.abs(played).max(axis=1, initial=0.0)
    n_heard = len(played) - int(np.argmax(loud[::-1] > _RING_END * loud.max(initial=0.0)))
    if n_heard == len(played) and fades == USUAL_FADES:
        fades = Fades(end=_RING_FADE_SECONDS)
    return played[: max(n_sample, n_heard)], fades


class _Tracks:
    """What has been played: the mix, what it sends into the room, and the instruments apart if they are wanted."""

    def __init__(self, playing: Playing | FilePlaying, n_piece: int | None = None) -> None:
        """Of a loop, `n_piece` samples long, what is played behind its end sounds at its beginning."""
        voices, n_sample = playing.band.voices, playing.n_played
        self._n_piece = n_piece
        self._room = playing.band.room
        self._sends = np.array([voice.reverb / MOST for voice in voices], np.float32)
        self._dry = np.zeros((n_sample, 2), np.float32)
        self._sent = np.zeros(n_sample, np.float32)
        self._instruments = [voice.instrument for voice in voices]
        self._playing = sorted({self._instruments[voice] for voice in playing.sounding} if n_sample else ())
        self._alone: dict[Instrument, _OnDisk] = {}

    def keep_apart(self, scratch: Path | None) -> None:
        """Keep the sound of each instrument that plays in the folder `scratch` too, before any block is added."""
        for instrument in self._playing:
            self._alone[instrument] = _OnDisk(scratch)

    def close(self) -> None:
        """Give the disk back what the instruments took of it."""
        for alone in self._alone.values():
            alone.close()

    def add(self, begin: int, block: NDArray[np.float32]) -> None:
        """Take a block, (n_voice, 2, n_sample), that begins at the sample `begin`."""
        span = slice(begin, begin + block.shape[2])
        self._dry[span] += block.sum(axis=0).T
        sent = self._sends[:, np.newaxis] * block.mean(axis=1)
        self._sent[span] += sent.sum(axis=0)
        for instrument, alone in self._alone.items():
            its = [number for number, other in enumerate(self._instruments) if other is instrument]
            alone.append(np.column_stack([block[its].sum(axis=0).T, sent[its].sum(axis=0)]))

    def mix(self, sample_rate: int) -> NDArray[np.float32]:
        """Everything, in its room."""
        if self._sent.any():
            self._dry += echoes(self._sent, self._room, sample_rate)
            self._sent[:] = 0
        return self._wrapped(self._dry)

    def stems(self, sample_rate: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """The name of each instrument and its sound in the room."""
        for instrument, alone in self._alone.items():
            played = alone.read()
            stem = np.array(played[:, :2])
            stem += echoes(np.ascontiguousarray(played[:, 2]), self._room, sample_rate)
            yield instrument.label, self._wrapped(stem)

    def _wrapped(self, played: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is heard of it when the piece has been playing for ever; what is no loop stays as it is."""
        n = self._n_piece
        if n is None:
            return played
        loop = np.zeros((n, 2), np.float32)
        for begin in range(0, len(played), n) if n else ():
            part = played[begin : begin + n]
            loop[: len(part)] += part
        return loop


class _OnDisk:
    """An instrument's sound, left, right and sent into the room, in a file that has no name.

    Those of a film do not fit into the memory. The file is written, not mapped: a disk that is full would end the
    process where a mapping is.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        with self._told():
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`

    def close(self) -> None:
        with suppress(OSError):  # what could not be written is not needed any more
            self._file.close()

    def append(self, samples: NDArray[np.float32]) -> None:
        """Take samples (n_sample, 3)."""
        with self._told():
            self._file.write(samples.tobytes())

    def read(self) -> NDArray[np.float32]:
        """All samples (n_sample, 3)."""
        with self._told():
            self._file.seek(0)
            return np.frombuffer(self._file.read(), np.float32).reshape(-1, 3)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            folder = self._folder or tempfile.gettempdir()
            raise WriteError(
                f"{folder}: cannot hold the stems until they are mixed ({error.strerror or error}); check its rights "
                "and the free space"
            ) from error


def _mastered_loop(audio: NDArray[np.float32], sample_rate: int, loudness: float) -> Master:
    """`master` of a piece that begins anew where it ends."""
    n = round(_LIMITER_MEMORY * sample_rate)
    around = np.arange(-n, len(audio) + n) % max(1, len(audio)) if len(audio) else np.arange(0)
    result = master(audio[around], sample_rate, loudness)
    inside = slice(n, n + len(audio))
    return Master(np.ascontiguousarray(result.audio[inside]), result.gain[inside])


def _faded(audio: NDArray[np.float32], sample_rate: int, fades: Fades, loop: bool) -> NDArray[np.float32]:
    """The sound, faded in place; a loop as it is."""
    if not loop:
        _fade(audio, sample_rate, fades)
    return audio


def _fade(audio: NDArray[np.float32], sample_rate: int, fades: Fades) -> None:
    n_begin = min(round(fades.begin * sample_rate), len(audio))
    if fades.end is None:
        n_end = int(min(_FADE_SECONDS * sample_rate, _FADE_SHARE * len(audio)))
    else:
        n_end = min(round(fades.end * sample_rate), len(audio))
    if n_begin:
        audio[:n_begin] *= _slope(n_begin)[::-1, np.newaxis]
    if n_end:
        audio[-n_end:] *= _slope(n_end)[:, np.newaxis]


def _slope(n_sample: int) -> NDArray[np.float32]:
    """(n_sample,) from 1 to 0 along half a wave."""
    return np.asarray(0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, n_sample, dtype=np.float32)))
