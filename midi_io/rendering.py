"""From a performance to finished sound: every voice on its own way, the room, the mix, the master."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .beside import Beside, OnTrack, dip, put_beside, track_of
from .file_playing import FilePlaying
from .mastering import TARGET, mastering_gain
from .midi_content import MidiContent
from .performance import MOST, Performance, Room, as_performance
from .reverb import echoes, reach
from .samples import (
    ComputedSound,
    Samples,
    Store,
    apply_gain,
    first_of,
    folder_of,
    multiply,
    peak_of,
    silence,
    silence_beside,
    spans_of,
)
from .song import Song
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
OnLongStem = Callable[[str, Samples], object]
"""The same, where the sound may be longer than the memory holds."""


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


class Played(NamedTuple):
    """What `long_sound_of` made."""

    audio: Samples
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
    beside: Beside | None = None,
    progress: Progress | None = None,
) -> Sound:
    """What `render` does, with what did not go as asked, and with stems if they are wanted.

    A `loop` has no fades: what rings on after its end, and what the room answers, sounds at its beginning, and its
    peaks are held as if it had been playing for ever. It is `round(duration * sample_rate)` samples long, like every
    piece, and plays on without a seam.

    `on_stem` is called once for each instrument that plays. Stems have their share of the room, and of the limiter's
    work, which is the mix's: their sum is the mix.

    Raises
    ------
    SynthesisError
        If FluidSynth or the SoundFont is missing or unusable.
    """
    sound = long_sound_of(
        music,
        None,
        soundfont=soundfont,
        sample_rate=sample_rate,
        loudness=loudness,
        fades=fades,
        loop=loop,
        on_stem=None if on_stem is None else lambda name, stem: on_stem(name, np.asarray(stem)),
        beside=beside,
        progress=progress,
    )
    return Sound(np.asarray(sound.audio), sound.fallbacks)


def long_sound_of(
    music: Music,
    scratch: Path | None,
    *,
    soundfont: str | os.PathLike[str] | None = None,
    sample_rate: int = SAMPLE_RATE,
    loudness: float | None = TARGET,
    fades: Fades = USUAL_FADES,
    loop: bool = False,
    on_stem: OnLongStem | None = None,
    beside: Beside | None = None,
    on_beside: OnTrack | None = None,
    progress: Progress | None = None,
) -> Played:
    """What `sound_of` does, for music of any length: what is long lies in nameless files in the folder `scratch`.

    They take 12 bytes for each sample, and as much for each stem that is wanted. Without `scratch` all is in memory.

    What sounds `beside` the music is in the mix too, and the music goes down under it; `on_beside` is called with it
    alone, and with it the stems are the mix.

    Raises
    ------
    SynthesisError
        If FluidSynth or the SoundFont is missing or unusable.
    WriteError
        If the disk has no room for the sound.
    """
    playing = _playing_of(music, soundfont, sample_rate, loop)
    tracks = _Tracks(playing, scratch, playing.n_sample if loop else None, apart=on_stem is not None)
    for begin, block in playing.blocks():
        tracks.add(begin, block)
        if progress is not None:
            progress(min(0.99, (begin + block.shape[2]) / playing.n_played))
    played = tracks.mix(sample_rate)
    if isinstance(playing, FilePlaying):
        played, fades = _with_its_ring(played, playing.n_sample, fades)
    put_beside(played, beside, sample_rate)
    finishing = _Finishing(played, sample_rate, loudness, fades, loop=loop)
    for name, whole in tracks.stems(sample_rate):
        stem = first_of(whole, len(played))
        dip(stem, beside)
        if on_stem is not None:
            on_stem(name, finishing.of(stem))
    if beside is not None and on_beside is not None:
        on_beside(finishing.of(track_of(beside, silence_beside(played, (len(played), 2)))))
    peak = finishing.peak
    if progress is not None:
        progress(1.0)
    if isinstance(music, MidiContent) and peak <= _SILENCE:
        return Played(played, (*playing.fallbacks, "nothing is heard: the file turns all its notes down to silence"))
    return Played(played, playing.fallbacks)


def play(
    music: Music,
    *,
    soundfont: str | os.PathLike[str] | None = None,
    sample_rate: int = SAMPLE_RATE,
) -> NDArray[np.float32]:
    """Play `music` as `render` does, without its fade and at FluidSynth's own loudness, which may pass 1."""
    playing = _playing_of(music, soundfont, sample_rate, loop=False)
    tracks = _Tracks(playing, None)
    for begin, block in playing.blocks():
        tracks.add(begin, block)
    return np.asarray(tracks.mix(sample_rate))


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


def _with_its_ring(played: Store, n_sample: int, fades: Fades) -> tuple[Store, Fades]:
    """A file's sound up to where nothing rings any more, at least `n_sample` samples, and its fades."""
    heard = np.abs(played[n_sample:]).max(axis=1, initial=0.0) > _RING_END * peak_of(played)
    n_heard = n_sample + (int(np.flatnonzero(heard)[-1]) + 1 if heard.any() else 0)
    if heard[-1:].any() and fades == USUAL_FADES:
        fades = Fades(end=_RING_FADE_SECONDS)
    return first_of(played, n_heard), fades


class _Finishing:
    """What is done to a mix to finish it, and then to each part of it, so that their sum stays the mix."""

    def __init__(self, mix: Store, sample_rate: int, loudness: float | None, fades: Fades, *, loop: bool) -> None:
        """Finish `mix`, (n_sample, 2), in place."""
        self._sample_rate, self._fades, self._loop = sample_rate, fades, loop
        self._gain: Samples | None = None
        self._fade(mix)
        self.peak = peak_of(mix)
        """The largest amount of a sample before it was made louder or softer."""
        self._factor = np.float32(_PEAK / self.peak if self.peak > _SILENCE else 1.0)
        multiply(mix, self._factor)
        if loudness is not None:
            self._gain = (_gain_of_loop if loop else mastering_gain)(mix, sample_rate, loudness)
            apply_gain(mix, self._gain)

    def of(self, part: Store) -> Store:
        """A part, finished in place."""
        self._fade(part)
        multiply(part, self._factor)
        if self._gain is not None:
            apply_gain(part, self._gain)
        return part

    def _fade(self, sound: Store) -> None:
        if not self._loop:
            _fade(sound, self._sample_rate, self._fades)


class _Tracks:
    """What has been played: the mix, what it sends into the room, and the instruments apart if they are wanted."""

    def __init__(
        self, playing: Playing | FilePlaying, scratch: Path | None, n_piece: int | None = None, *, apart: bool = False
    ) -> None:
        """Of a loop, `n_piece` samples long, what is played behind its end sounds at its beginning."""
        voices, n_sample = playing.band.voices, playing.n_played
        self._n_piece = n_piece
        self._room = playing.band.room
        self._sends = np.array([voice.reverb / MOST for voice in voices], np.float32)
        self._dry = silence((n_sample, 2), scratch)
        self._sent = silence((n_sample,), scratch)
        self._is_sent = False
        self._instruments = [voice.instrument for voice in voices]
        sounding = sorted({self._instruments[voice] for voice in playing.sounding} if n_sample and apart else ())
        # Left, right and sent into the room.
        self._alone = {instrument: silence((n_sample, 3), scratch) for instrument in sounding}

    def add(self, begin: int, block: NDArray[np.float32]) -> None:
        """Take a block, (n_voice, 2, n_sample), that begins at the sample `begin`."""
        span = slice(begin, begin + block.shape[2])
        self._dry[span] = block.sum(axis=0).T
        by_voice = self._sends[:, np.newaxis] * block.mean(axis=1)
        sent = by_voice.sum(axis=0)
        self._sent[span] = sent
        self._is_sent = self._is_sent or bool(sent.any())
        for instrument, alone in self._alone.items():
            its = [number for number, other in enumerate(self._instruments) if other is instrument]
            alone[span] = np.column_stack([block[its].sum(axis=0).T, by_voice[its].sum(axis=0)])

    def mix(self, sample_rate: int) -> Store:
        """Everything, in its room; to be called once."""
        dry, sent = self._dry, self._sent
        del self._dry, self._sent  # the disk gets back what it is done with
        if self._is_sent:
            for begin, heard in echoes(sent, self._room, sample_rate):
                span = slice(begin, begin + len(heard))
                dry[span] = dry[span] + heard
        return self._wrapped(dry)

    def stems(self, sample_rate: int) -> Iterator[tuple[str, Store]]:
        """The name of each instrument and its sound in the room."""
        for instrument in list(self._alone):
            played = self._alone.pop(instrument)
            yield instrument.label, self._wrapped(_in_its_room(played, self._room, sample_rate))

    def _wrapped(self, played: Store) -> Store:
        """What is heard of it when the piece has been playing for ever; what is no loop stays as it is."""
        n = self._n_piece
        if n is None:
            return played
        loop = silence_beside(played, (n, 2))
        for begin in range(0, len(played), n) if n else ():
            for span in spans_of(min(n, len(played) - begin)):
                loop[span] = loop[span] + played[begin + span.start : begin + span.stop]
        return loop


def _in_its_room(played: Samples, room: Room, sample_rate: int) -> Store:
    """An instrument's sound, of (n_sample, 3) samples left, right and sent into the room."""
    sent = ComputedSound((len(played),), folder_of(played), lambda begin, end: played[begin:end][:, 2])
    stem = silence_beside(played, (len(played), 2))
    for begin, heard in echoes(sent, room, sample_rate):
        span = slice(begin, begin + len(heard))
        stem[span] = played[span][:, :2] + heard
    return stem


def _gain_of_loop(audio: Samples, sample_rate: int, loudness: float) -> Samples:
    """The `mastering_gain` of a piece that begins anew where it ends."""
    n, n_around = len(audio), round(_LIMITER_MEMORY * sample_rate)
    if not n:
        return silence_beside(audio, (0,))

    def around(begin: int, end: int) -> NDArray[np.float32]:
        parts, here = [], begin - n_around
        while here < end - n_around:
            part = audio[here % n : min(n, here % n + end - n_around - here)]
            parts.append(part)
            here += len(part)
        return np.concatenate(parts)

    folder = folder_of(audio)
    gain = mastering_gain(ComputedSound((n + 2 * n_around, 2), folder, around), sample_rate, loudness)
    return ComputedSound((n,), folder, lambda begin, end: gain[n_around + begin : n_around + end])


def _fade(audio: Store, sample_rate: int, fades: Fades) -> None:
    n = len(audio)
    n_begin = min(round(fades.begin * sample_rate), n)
    if fades.end is None:
        n_end = int(min(_FADE_SECONDS * sample_rate, _FADE_SHARE * n))
    else:
        n_end = min(round(fades.end * sample_rate), n)
    for span in spans_of(n_begin):
        rising = _slope(n_begin, n_begin - span.stop, n_begin - span.start)[::-1]
        audio[span] = audio[span] * rising[:, np.newaxis]
    for span in spans_of(n_end):
        there = slice(n - n_end + span.start, n - n_end + span.stop)
        audio[there] = audio[there] * _slope(n_end, span.start, span.stop)[:, np.newaxis]


def _slope(n_sample: int, begin: int, end: int) -> NDArray[np.float32]:
    """(end - begin,) the samples from `begin` to `end` of `n_sample` from 1 to 0 along half a wave."""
    shares = np.arange(begin, end) * (np.pi / max(1, n_sample - 1))
    return np.asarray(0.5 + 0.5 * np.cos(shares.astype(np.float32)), np.float32)
