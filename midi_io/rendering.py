"""From a performance to finished sound: every voice on its own way, the room, the mix, the master."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .mastering import TARGET, limited_together, master
from .performance import MOST, Performance, as_performance
from .reverb import echoes
from .song import Song
from .synthesis import SAMPLE_RATE, Playing

_PEAK = 10 ** (-1.0 / 20)
"""The loudest sample is brought to -1 dBFS: lossy coding overshoots a little."""
_SILENCE = 1e-4
"""A peak below -80 dBFS is noise, not music, and is not made louder."""
_FADE_SECONDS = 0.4
_FADE_SHARE = 0.1

Progress = Callable[[float], object]
"""A function that is called now and then with the share that is done, 0 to 1."""
OnStem = Callable[[str, NDArray[np.float32]], object]
"""A function that is called with the name of an instrument, such as ``drums``, and its sound, (n_sample, 2)."""


class Sound(NamedTuple):
    """What `sound_of` made."""

    audio: NDArray[np.float32]
    """(n_sample, 2) left and right, in -1..1."""
    fallbacks: tuple[str, ...]
    """A line for each voice whose program the SoundFont lacks."""


def render(
    music: Song | Performance,
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
    music: Song | Performance,
    *,
    soundfont: str | os.PathLike[str] | None = None,
    sample_rate: int = SAMPLE_RATE,
    loudness: float | None = TARGET,
    on_stem: OnStem | None = None,
    progress: Progress | None = None,
) -> Sound:
    """What `render` does, with what did not go as asked, and with stems if they are wanted.

    `on_stem` is called once for each instrument that plays. Stems have their share of the room, and of the limiter's
    work, which is the mix's: their sum is the mix.
    """
    performance = as_performance(music)
    playing = Playing(performance, soundfont, sample_rate)
    tracks = _Tracks(performance, playing.n_sample, apart=on_stem is not None)
    for begin, block in playing.blocks():
        tracks.add(begin, block)
        if progress is not None:
            progress(min(0.99, (begin + block.shape[2]) / playing.n_sample))
    played = tracks.mix(sample_rate)
    _fade_out(played, sample_rate)
    peak = float(np.max(np.abs(played), initial=0.0))
    factor = _PEAK / peak if peak > _SILENCE else 1.0
    audio = played * np.float32(factor)
    if loudness is not None:
        audio, gain = master(audio, sample_rate, loudness)
        factor *= gain
    if on_stem is not None:
        for name, stem in tracks.stems(sample_rate):
            _fade_out(stem, sample_rate)
            scaled = stem * np.float32(factor)
            limits = loudness is not None and peak > _SILENCE
            on_stem(name, limited_together(played * np.float32(factor), scaled, sample_rate) if limits else scaled)
    if progress is not None:
        progress(1.0)
    return Sound(audio, playing.fallbacks)


def play(
    music: Song | Performance,
    *,
    soundfont: str | os.PathLike[str] | None = None,
    sample_rate: int = SAMPLE_RATE,
) -> NDArray[np.float32]:
    """Play `music` as `render` does, without its fade and at FluidSynth's own loudness, which may pass 1."""
    performance = as_performance(music)
    playing = Playing(performance, soundfont, sample_rate)
    tracks = _Tracks(performance, playing.n_sample)
    for begin, block in playing.blocks():
        tracks.add(begin, block)
    return tracks.mix(sample_rate)


class _Tracks:
    """What has been played: the mix, what it sends into the room, and the instruments apart if they are wanted."""

    def __init__(self, performance: Performance, n_sample: int, apart: bool = False) -> None:
        voices = performance.band.voices
        self._room = performance.band.room
        self._sends = np.array([voice.reverb / MOST for voice in voices], np.float32)
        self._dry = np.zeros((n_sample, 2), np.float32)
        self._sent = np.zeros(n_sample, np.float32)
        playing = {note.voice for note in performance.notes}
        self._instruments = [voice.instrument for voice in voices]
        self._apart = sorted({self._instruments[voice] for voice in playing}) if apart else []
        # A film's stems do not fit into the memory: each lies in a file of its own, which nobody sees.
        shape = (n_sample, 3)
        self._alone = {instrument: _array_on_disk(shape) for instrument in self._apart if n_sample}

    def add(self, begin: int, block: NDArray[np.float32]) -> None:
        """Take a block, (n_voice, 2, n_sample), that begins at the sample `begin`."""
        span = slice(begin, begin + block.shape[2])
        self._dry[span] += block.sum(axis=0).T
        sent = self._sends[:, np.newaxis] * block.mean(axis=1)
        self._sent[span] += sent.sum(axis=0)
        for instrument, alone in self._alone.items():
            its = [number for number, other in enumerate(self._instruments) if other is instrument]
            alone[span, :2] = block[its].sum(axis=0).T
            alone[span, 2] = sent[its].sum(axis=0)

    def mix(self, sample_rate: int) -> NDArray[np.float32]:
        """Everything, in its room."""
        if self._sent.any():
            self._dry += echoes(self._sent, self._room, sample_rate)
            self._sent[:] = 0
        return self._dry

    def stems(self, sample_rate: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """The name of each instrument and its sound in the room."""
        for instrument, alone in self._alone.items():
            stem = np.array(alone[:, :2])
            stem += echoes(np.ascontiguousarray(alone[:, 2]), self._room, sample_rate)
            yield instrument.label, stem


def _array_on_disk(shape: tuple[int, int]) -> NDArray[np.float32]:
    with tempfile.TemporaryFile() as file:  # the mapping keeps what it needs
        return np.memmap(file, np.float32, "w+", shape=shape)


def _fade_out(audio: NDArray[np.float32], sample_rate: int) -> None:
    n_fade = int(min(_FADE_SECONDS * sample_rate, _FADE_SHARE * len(audio)))
    if n_fade:
        slope = 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, n_fade, dtype=np.float32))
        audio[-n_fade:] *= slope[:, np.newaxis]
