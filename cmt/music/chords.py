"""Chords: their names, and an estimator that hears one in every half bar of a piece.

The estimator is a hidden Markov model, as in most chord recognition (Sheh & Ellis, *Chord segmentation and recognition
using EM-trained hidden Markov models*, ISMIR 2003). A chord is a distribution over the twelve pitch classes that sound,
another one over those of the bass, and it stays more often than it changes. Viterbi finds the likeliest row of chords.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.errors import CmtError
from cmt.music.encoding import NoteArrays
from cmt.music.key import ANY_KEY, KEYS, TONICS, Key, WishedKey, with_plain_signs
from cmt.music.words import Mode
from midi_io.song import POSITIONS_PER_BAR, Instrument

HALF_BAR = POSITIONS_PER_BAR // 2
"""A chord lasts for this many sixteenths or a multiple of them."""
HALVES_PER_BAR = POSITIONS_PER_BAR // HALF_BAR


class Quality(IntEnum):
    """The kind of a chord, and so its intervals above the root."""

    MAJOR = 0
    MINOR = 1
    DOMINANT = 2
    """The dominant seventh."""
    MAJOR_SEVENTH = 3
    MINOR_SEVENTH = 4
    DIMINISHED = 5
    SUSPENDED = 6
    """The fourth in place of the third."""
    POWER = 7
    """Root and fifth alone."""


INTERVALS: Mapping[Quality, tuple[int, ...]] = {
    Quality.MAJOR: (0, 4, 7),
    Quality.MINOR: (0, 3, 7),
    Quality.DOMINANT: (0, 4, 7, 10),
    Quality.MAJOR_SEVENTH: (0, 4, 7, 11),
    Quality.MINOR_SEVENTH: (0, 3, 7, 10),
    Quality.DIMINISHED: (0, 3, 6),
    Quality.SUSPENDED: (0, 5, 7),
    Quality.POWER: (0, 7),
}
"""The semitones of each quality's notes above its root."""

SUFFIXES: Mapping[Quality, str] = {
    Quality.MAJOR: "",
    Quality.MINOR: "m",
    Quality.DOMINANT: "7",
    Quality.MAJOR_SEVENTH: "maj7",
    Quality.MINOR_SEVENTH: "m7",
    Quality.DIMINISHED: "dim",
    Quality.SUSPENDED: "sus4",
    Quality.POWER: "5",
}
"""What stands behind the root in a chord's name."""

_SPELLINGS = {
    **{suffix: quality for quality, suffix in SUFFIXES.items()},
    **dict.fromkeys(("maj", "M", "major"), Quality.MAJOR),
    **dict.fromkeys(("min", "-", "minor"), Quality.MINOR),
    **dict.fromkeys(("dom7", "9", "13", "11"), Quality.DOMINANT),
    **dict.fromkeys(("M7", "Maj7", "ma7", "^7", "maj9"), Quality.MAJOR_SEVENTH),
    **dict.fromkeys(("min7", "-7", "m9"), Quality.MINOR_SEVENTH),
    **dict.fromkeys(("o", "\N{DEGREE SIGN}", "dim7", "m7b5"), Quality.DIMINISHED),
    **dict.fromkeys(("sus", "sus2"), Quality.SUSPENDED),
}
_NAME = re.compile(r"([A-Ga-g])([#b]?)([^/]*)(?:/[A-Ga-g][#b]?)?")
_MOST_SHOWN = 40
"""A message shows at most this many characters of what is no chord."""
_NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


class Chord(NamedTuple):
    """A root (pitch class, 0 = C) and a quality."""

    root: int
    quality: Quality

    def __str__(self) -> str:
        return TONICS[self.root] + SUFFIXES[self.quality]

    def spelled(self, key: Key) -> str:
        """The chord's name as it is written in a key: ``Db`` in Eb major."""
        return key.spelled(self.root) + SUFFIXES[self.quality]

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The pitch classes of its notes."""
        return frozenset((self.root + interval) % 12 for interval in INTERVALS[self.quality])

    def transposed(self, semitones: int) -> Chord:
        """The same quality on another root."""
        return Chord((self.root + semitones) % 12, self.quality)


NO_CHORD = 0
"""The number of a half bar in which no chord is heard."""
N_CHORD = 1 + 12 * len(Quality)
"""The number of values of a chord: none, or a root with a quality."""


def number_of(chord: Chord | None) -> int:
    """A chord as a number, 0..N_CHORD - 1; NO_CHORD for None."""
    return NO_CHORD if chord is None else 1 + chord.quality * 12 + chord.root


def chord_of(number: int) -> Chord | None:
    """The chord of a number that `number_of` gave; None for NO_CHORD and what is unknown, below it."""
    return None if number <= NO_CHORD else Chord((number - 1) % 12, Quality((number - 1) // 12))


def transposed_numbers(numbers: NDArray[np.int64], semitones: int) -> NDArray[np.int64]:
    """Chords as numbers (...), every root moved; what is none, or unknown (below 0), stays."""
    moved = 1 + (numbers - 1) // 12 * 12 + ((numbers - 1) % 12 + semitones) % 12
    return np.where(numbers > NO_CHORD, moved, numbers)


def parse_chord(text: str) -> Chord:
    """A chord such as ``C``, ``F#m7``, ``Bbmaj7``, ``Asus4``, ``E5``; a bass after a slash is left out.

    Raises
    ------
    CmtError
        If there is no such chord.
    """
    found = _NAME.fullmatch(with_plain_signs(text).strip())
    quality = _SPELLINGS.get(found[3]) if found else None
    if found is None or quality is None:
        raise CmtError(
            f"no chord {text[:_MOST_SHOWN]!r}; write a root, such as C, F# or Bb, and one of "
            f"{', '.join(suffix or '(nothing)' for suffix in SUFFIXES.values())}, e.g. C, F#m7, Bbmaj7, E5"
        )
    root = _NATURALS[found[1].upper()] + {"#": 1, "b": -1, "": 0}[found[2]]
    return Chord(root % 12, quality)


CHANGE_COST = 3.0
"""Nats that a change of chord costs on a bar line; the model of the sums below makes about as many as songs have."""
MID_BAR_COST = 2.0
"""Nats more that it costs in the middle of a bar."""
_EVIDENCE = 8.0
"""A half bar speaks for its chord as this many independent notes would, however many sound."""
_BASS_EVIDENCE = 3.0
"""The lowest part's notes of a half bar count as this many, beside those of all."""
_SPREAD = 0.12
"""Share of the sound that is on no note of the chord: passing notes."""
_RICHER_COST = {
    Quality.DOMINANT: 1.0,
    Quality.MAJOR_SEVENTH: 1.4,
    Quality.MINOR_SEVENTH: 1.2,
    Quality.DIMINISHED: 1.2,
    Quality.SUSPENDED: 1.4,
    Quality.POWER: 0.4,
}
"""Nats that qualities cost beside a triad, which is commoner."""
_WEIGHTS = {0: 1.25, 7: 0.9, 10: 0.6, 11: 0.6}
"""How much of a chord's sound its root, its fifth and its seventh have, where a third has 1."""
_BASS_WEIGHTS = {0: 0.68, 7: 0.13, 3: 0.06, 4: 0.06, 10: 0.04, 11: 0.04, 5: 0.04}
"""How much of the bass is on which of the chord's notes."""
_LEAST_SOUND = 2.0
"""A half bar in which fewer sixteenths sound than this, over all parts, has no evidence of its own."""


def _log_profiles() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(chord, 12) log shares of pitch classes, (chord, 12) of the bass's, and (chord,) log priors."""
    sound, bass, prior = np.zeros((N_CHORD - 1, 12)), np.zeros((N_CHORD - 1, 12)), np.zeros(N_CHORD - 1)
    for quality, intervals in INTERVALS.items():
        weights = np.array([_WEIGHTS.get(interval, 1.0) for interval in intervals])
        below = np.array([_BASS_WEIGHTS.get(interval, 0.05) for interval in intervals])
        for root in range(12):
            row = number_of(Chord(root, quality)) - 1
            pitch_classes = [(root + interval) % 12 for interval in intervals]
            sound[row] = _SPREAD / (12 - len(intervals))
            sound[row, pitch_classes] = (1 - _SPREAD) * weights / weights.sum()
            bass[row] = 0.1 / (12 - len(intervals))
            bass[row, pitch_classes] = 0.9 * below / below.sum()
            prior[row] = -_RICHER_COST.get(quality, 0.0)
    return np.log(sound), np.log(bass), prior


_SOUND, _BASS, _PRIOR = _log_profiles()


def estimate_chords(notes: NoteArrays, n_bar: int) -> NDArray[np.int64]:
    """(n_bar * 2,) the number of the chord in each half bar, by all notes but the drums; NO_CHORD where none sounds.

    A half bar in which nothing sounds takes the chord around it, but for a piece without pitched notes.
    """
    n_half = n_bar * HALVES_PER_BAR
    pitched = notes.pitched()
    if not len(pitched.position) or n_half == 0:
        return np.zeros(n_half, np.int64)
    sound = sounding_shares(pitched, n_half)
    low = lowest_part(pitched)
    bass = sounding_shares(pitched.chosen(low), n_half)
    fit = np.full((n_half, N_CHORD - 1), _PRIOR)
    for shares, profile, evidence in ((sound, _SOUND, _EVIDENCE), (bass, _BASS, _BASS_EVIDENCE)):
        total = shares.sum(axis=1, keepdims=True)
        heard = total[:, 0] >= _LEAST_SOUND
        fit[heard] += evidence * (shares[heard] / total[heard]) @ profile.T
    return 1 + _likeliest_row(fit)


def sounding_shares(notes: NoteArrays, n_half: int) -> NDArray[np.float64]:
    """(n_half, 12) the sixteenths for which each pitch class sounds in each half bar; a part's double notes count."""
    begin = notes.position.astype(np.int64)
    end = np.minimum(begin + np.minimum(notes.duration, 2 * POSITIONS_PER_BAR), n_half * HALF_BAR)
    shares = np.zeros((n_half, 12))
    pitch_class = notes.pitch % 12
    first = begin // HALF_BAR
    for k in range(1 + 2 * HALVES_PER_BAR):
        half = first + k
        inside = np.minimum(end, (half + 1) * HALF_BAR) - np.maximum(begin, half * HALF_BAR)
        rows = np.flatnonzero((inside > 0) & (half < n_half))
        np.add.at(shares, (half[rows], pitch_class[rows]), inside[rows])
    return shares


def lowest_part(notes: NoteArrays) -> NDArray[np.bool_]:
    """(n_note,) whether a pitched note belongs to the bass: the bass track, or where it rests all notes below C3."""
    half = notes.position // HALF_BAR
    is_bass = notes.instrument == Instrument.BASS
    has_bass = np.zeros(int(half.max(initial=0)) + 1, bool)
    has_bass[half[is_bass]] = True
    return np.asarray(is_bass | (~has_bass[half] & (notes.pitch < 48)))


def _likeliest_row(fit: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n_half,) Viterbi: each step stays or goes anywhere at one cost."""
    total = fit[0]
    stays = np.zeros(fit.shape, bool)
    best_before = np.zeros(len(fit), np.int64)
    for half in range(1, len(fit)):
        cost = CHANGE_COST + (MID_BAR_COST if half % HALVES_PER_BAR else 0.0)
        best = int(total.argmax())
        changed = total[best] - cost
        stays[half] = total >= changed
        best_before[half] = best
        total = np.where(stays[half], total, changed) + fit[half]
    row = np.empty(len(fit), np.int64)
    row[-1] = total.argmax()
    for half in range(len(fit) - 1, 0, -1):
        row[half - 1] = row[half] if stays[half, row[half]] else best_before[half]
    return row


def names_of(numbers: Sequence[int], key: Key | None = None) -> list[str]:
    """Chords by their names, ``N`` for none; with a key as they are written in it."""
    chords = (chord_of(number) for number in numbers)
    return ["N" if chord is None else str(chord) if key is None else chord.spelled(key) for chord in chords]


SCALE_WEIGHT = 6.0
"""The chords' share in a key's scale, 0..1, counts this much when the key of a row of chords is looked for."""
FIRST_WEIGHT = 1.0
"""That the first chord is the key's tonic counts this much."""
LAST_WEIGHT = 0.75
"""That the last one is counts this much."""


def share_in_scale(chords: Sequence[Chord], key: Key) -> float:
    """The share, 0..1, of the chords' pitch classes that lie in a key's scale, every chord weighing the same."""
    scale = key.pitch_classes
    return float(np.mean([len(chord.pitch_classes & scale) / len(chord.pitch_classes) for chord in chords]))


def key_of_chords(chords: Sequence[Chord], wished: WishedKey = ANY_KEY) -> Key:
    """The key that a row of chords is in, among those that `wished` leaves open.

    It is the one whose scale holds the largest share of the chords' notes; between keys that hold about the same, the
    one whose tonic the first chord is, and after it the last one. So ``C G Am F`` is C major, ``Am F C G`` A minor,
    ``Dm G C`` C major. Of equals major comes before minor, and C before C#.

    Raises
    ------
    ValueError
        If there are no chords.
    """
    if not chords:
        raise ValueError("no chords, no key")
    keys = [key for key in KEYS.values() if wished.tonic in (key.tonic, None) and wished.mode in (key.mode, None)]

    def fit(key: Key) -> float:
        tonics = FIRST_WEIGHT * _is_tonic(chords[0], key) + LAST_WEIGHT * _is_tonic(chords[-1], key)
        return SCALE_WEIGHT * share_in_scale(chords, key) + tonics

    return max(keys, key=lambda key: round(fit(key), 9))


def _is_tonic(chord: Chord, key: Key) -> bool:
    """Whether a chord stands on a key's tonic, with the key's third or without any."""
    other_third = 3 if key.mode is Mode.MAJOR else 4
    return chord.root == key.tonic and other_third not in INTERVALS[chord.quality]
