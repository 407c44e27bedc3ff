"""Did the music do what it was told? Errors of density, strength, length, tempo, instruments and key.

Conventions
-----------
- What was obtained is measured in the song itself, never read from a report of the generator.
- The paper divides its errors by the mean density, the mean strength and the video's length. Ours are divided by
  constants, 10.90 simu-notes a bar and 1.83 notes a simu-note (those of the paper's release), so that dense music
  does not make its own errors small. The paper's text names 9.9 simu-notes a bar.
- Only what was asked counts: a bar or beat left to the model has no error.
- Where nothing was asked there is no value, and the `Measurement` says so; malformed input raises ValueError.

Metrics
-------
- `density_error`, `density_rank_correlation`, `strength_error`: the rhythm asked, where some was.
- `length_error`, `time_error`, `tempo_error`: the length and the tempo asked; always defined.
- `instrument_score`: the instruments asked.
- `guess_key`, `key_score`: the key that the notes speak for, against the key asked.

Source
------
Di et al., *Video Background Music Generation with Controllable Music Transformer* (ACM MM 2021), section 5.5 and table
4, for the errors of density, strength and time; Krumhansl & Kessler, *Tracing the dynamic changes in perceived tonal
organization* (Psychological Review 89, 1982) for the key; MIREX's weighted key score.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cmt.metrics.validation import Floats, Measurement, checked_pair, columns_of, undefined
from cmt.music.profile import SimuNote, profile_of_song
from cmt.music.words import Mode
from midi_io.song import Instrument, Song

DENSITY_UNIT = 10.90
"""Simu-notes a bar by which the error of the density is divided."""
STRENGTH_UNIT = 1.83
"""Notes a simu-note by which the error of the strength is divided."""
MIN_RANKED = 4
"""Fewest bars of a rank correlation: of three bars, every sixth order is perfect by chance."""

# Krumhansl & Kessler's probe-tone ratings of each degree, major and minor.
_RATINGS = np.array(
    [
        [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
        [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
    ]
)


class KeyGuess(NamedTuple):
    """The key that a song's pitch classes speak for."""

    tonic: int
    """Pitch class, 0 = C."""
    mode: Mode
    correlation: float
    """Of the sounding time of the pitch classes with the key's ratings, -1 to 1."""


class InstrumentScore(NamedTuple):
    """Instruments that play against those asked for, each 0 to 1."""

    precision: Measurement
    """Share of those that play that were asked for."""
    recall: Measurement
    """Share of those asked for that play."""


def density_error(asked: Sequence[int | None], song: Song) -> Measurement:
    """Mean distance between the density asked of a bar and the song's, in units of 10.90 (table 4, "Density").

    `asked`, (n_bar,), has a value for each bar, None where the bar was left free; bars beyond the song have density 0.

    Raises
    ------
    ValueError
        If a density is not from 0 to 16, or `song` is no song.
    """
    wanted, obtained = _asked_densities(asked, song)
    if not len(wanted):
        return undefined("no bar's density was asked")
    return Measurement(float(np.abs(wanted - obtained).mean() / DENSITY_UNIT))


def density_rank_correlation(asked: Sequence[int | None], song: Song) -> Measurement:
    """Spearman's rank correlation of the densities asked and obtained, -1 to 1: free of scale and of bias.

    Over the bars asked, four or more; `asked` and the errors are those of `density_error`.
    """
    wanted, obtained = _asked_densities(asked, song)
    if len(wanted) < MIN_RANKED:
        return undefined(f"the density of {len(wanted)} bars was asked; {MIN_RANKED} are needed")
    return rank_correlation(wanted, obtained)


def _asked_densities(asked: Sequence[int | None], song: Song) -> tuple[Floats, Floats]:
    columns_of(song)
    if any(value is not None and not 0 <= value <= 16 for value in asked):
        raise ValueError("densities must be from 0 to 16")
    density = profile_of_song(song).density
    pairs = [(want, density[bar] if bar < len(density) else 0) for bar, want in enumerate(asked) if want is not None]
    table = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def strength_error(asked: Iterable[SimuNote], song: Song) -> Measurement:
    """Mean distance between the notes asked of a simu-note and the song's, in units of 1.83 (table 4, "Strength").

    A simu-note that is missing has no notes.

    Raises
    ------
    ValueError
        If a simu-note has no such bar, position or strength, or `song` is no song.
    """
    columns_of(song)
    obtained = {(note.bar, note.position, note.instrument): note.strength for note in profile_of_song(song).simu_notes}
    distances = []
    for note in asked:
        if note.bar < 0 or not 0 <= note.position < 16 or note.strength < 0:
            raise ValueError(f"no such simu-note: {note}")
        distances.append(abs(note.strength - obtained.get((note.bar, note.position, Instrument(note.instrument)), 0)))
    if not distances:
        return undefined("no simu-note's strength was asked")
    return Measurement(float(np.mean(distances) / STRENGTH_UNIT))


def length_error(song: Song, seconds: float) -> float:
    """Seconds between the end of the song and the end asked for.

    Raises
    ------
    ValueError
        If `seconds` is not above 0 and finite, or `song` is no song.
    """
    columns_of(song)
    return float(abs(song.duration - _positive(seconds, "seconds")))


def time_error(song: Song, seconds: float) -> float:
    """The error of the length as a share of the length asked for (table 4, "Time"); raises as `length_error`."""
    return length_error(song, seconds) / seconds


def tempo_error(song: Song, tempo: float) -> float:
    """Distance in BPM between the song's tempo and the tempo asked for.

    Raises
    ------
    ValueError
        If `tempo` is not above 0 and finite, or `song` is no song.
    """
    columns_of(song)
    return float(abs(song.tempo - _positive(tempo, "tempo")))


def _positive(value: float, what: str) -> float:
    if not (value > 0 and np.isfinite(value)):
        raise ValueError(f"{what} must be above 0, got {value}")
    return value


def instrument_score(song: Song, asked: Iterable[Instrument]) -> InstrumentScore:
    """Precision and recall of the instruments that play; not defined where none plays or none was asked.

    Raises
    ------
    ValueError
        If one of `asked` is no instrument, or `song` is no song.
    """
    wanted = {Instrument(instrument) for instrument in asked}
    columns_of(song)
    playing = set(song.instruments)
    if not wanted or not playing:
        neither = undefined("no instrument was asked" if not wanted else "no instrument plays")
        return InstrumentScore(neither, neither)
    n_both = len(wanted & playing)
    return InstrumentScore(Measurement(n_both / len(playing)), Measurement(n_both / len(wanted)))


def guess_key(song: Song) -> KeyGuess | None:
    """The key whose ratings correlate best with the time for which each pitch class sounds (Krumhansl & Kessler 1982).

    None where all sound equally long, or none: `why_no_key` says which. Independent of the estimator that the generator
    uses, which measures distances to the profiles of Albrecht & Shanahan.
    """
    sounding = _sounding_time(song)
    if sounding.max() == sounding.min():
        return None
    turned = np.stack([np.roll(sounding, -tonic) for tonic in range(12)])
    correlations = np.corrcoef(np.concatenate([turned, _RATINGS]))[:12, 12:].round(12)
    tonic, mode = np.unravel_index(np.argmax(correlations), correlations.shape)
    return KeyGuess(int(tonic), Mode(int(mode)), float(correlations[tonic, mode]))


def why_no_key(song: Song) -> str:
    """Why `guess_key` gives None for a song; empty where it gives a key."""
    sounding = _sounding_time(song)
    if not sounding.any():
        return "no pitched notes"
    return "all pitch classes sound equally long" if sounding.max() == sounding.min() else ""


def _sounding_time(song: Song) -> Floats:
    """(12,) sixteenths for which each pitch class sounds."""
    notes = columns_of(song).pitched()
    return np.bincount(notes.pitch % 12, weights=notes.duration, minlength=12).astype(np.float64)


def key_score(asked: tuple[int, Mode], guess: tuple[int, Mode]) -> float:
    """MIREX's weighted score of a key: 1 the same, 0.5 a fifth above, 0.3 the relative, 0.2 the parallel key, else 0.

    Keys are a tonic, 0 = C, and a mode. As mir_eval's `key.weighted_score` with the key asked as the reference.

    Raises
    ------
    ValueError
        If a tonic is not from 0 to 11.
    """
    for tonic, _ in (asked, guess):
        if not 0 <= tonic < 12:
            raise ValueError(f"a tonic is from 0 to 11, got {tonic}")
    (tonic, mode), (other_tonic, other_mode) = asked, guess
    interval = (other_tonic - tonic) % 12
    if mode == other_mode:
        return {0: 1.0, 7: 0.5}.get(interval, 0.0)
    if interval == 0:
        return 0.2
    relative = 9 if mode == Mode.MAJOR else 3
    return 0.3 if interval == relative else 0.0


def rank_correlation(one: ArrayLike, other: ArrayLike) -> Measurement:
    """Spearman's rho of two lists, each (n,), -1 to 1, ties given their mean rank; not defined where one is constant.

    Raises
    ------
    ValueError
        If the lists are not finite numbers and equally long.
    """
    a, b = checked_pair(one, other)
    if len(a) < 2 or a.min() == a.max() or b.min() == b.max():
        return undefined("fewer than two different values")
    return Measurement(float(np.corrcoef(ranks(a), ranks(b))[0, 1]))


def ranks(values: Floats) -> Floats:
    """(n,) ranks from 0 of (n,) values, equal ones sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[inverse.ravel()]
