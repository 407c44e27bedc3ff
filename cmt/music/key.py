"""Keys: their names, and an estimator from the pitch classes that sound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from cmt.errors import CmtError
from cmt.music.words import Mode
from midi_io.song import Instrument, Song

TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_ENHARMONIC = {"Db": "C#", "D#": "Eb", "Gb": "F#", "G#": "Ab", "A#": "Bb", "Cb": "B", "B#": "C", "E#": "F", "Fb": "E"}

# Albrecht & Shanahan, "The use of large corpora to train a new type of key-finding
# algorithm", Music Perception 31(1), 2013: share of each degree in major and in minor.
_PROFILES = np.array(
    [
        [0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081],
        [0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052],
    ]
)
SCALES: Mapping[Mode, frozenset[int]] = {
    Mode.MAJOR: frozenset((0, 2, 4, 5, 7, 9, 11)),
    Mode.MINOR: frozenset((0, 2, 3, 5, 7, 8, 10, 11)),
}
"""The semitones of each mode's notes above the tonic; in minor the natural seventh and the raised one."""
_HOME_TONIC = {Mode.MAJOR: 0, Mode.MINOR: 9}


_FIFTHS = ("Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#")
"""Names of pitch classes, each a fifth above the one before."""


class Key(NamedTuple):
    """A tonic (pitch class, 0 = C) and a mode."""

    tonic: int
    mode: Mode

    def __str__(self) -> str:
        return f"{TONICS[self.tonic]}:{self.mode.label}"

    @property
    def signature(self) -> str:
        """The key as MIDI signs it, with as few sharps or flats as can be: ``Db``, ``F#m``."""
        name = TONICS[self.tonic]
        return {"C#": "Db"}.get(name, name) if self.mode is Mode.MAJOR else f"{'G#' if name == 'Ab' else name}m"

    def spelled(self, pitch_class: int) -> str:
        """A pitch class as it is written in this key: ``Db`` in Eb major, ``C#`` in D major.

        Of two names it is the one that is nearer to the key's scale on the line of fifths.
        """
        # The scale of C major is F to B there, and the names that are written in it are Db to F#.
        middle = _FIFTHS.index(self.signature.removesuffix("m")) + (0.5 if self.mode is Mode.MAJOR else -0.5)
        places = [place for place, name in enumerate(_FIFTHS) if _pitch_class(name) == pitch_class % 12]
        return _FIFTHS[min(places, key=lambda place: abs(place - middle))]

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The pitch classes of its scale."""
        return frozenset((self.tonic + interval) % 12 for interval in SCALES[self.mode])


def _pitch_class(name: str) -> int:
    return TONICS.index(_ENHARMONIC.get(name, name))


KEYS: Mapping[str, Key] = {str(key): key for key in (Key(tonic, mode) for mode in Mode for tonic in range(len(TONICS)))}
"""All keys by their names."""


class WishedKey(NamedTuple):
    """A key of which the tonic, the mode or both may be left open."""

    tonic: int | None = None
    """The pitch class, 0 = C."""
    mode: Mode | None = None

    def __str__(self) -> str:
        """The key as `parse_key` reads it, such as ``F#:minor``, ``C``, ``:minor``."""
        tonic = "" if self.tonic is None else TONICS[self.tonic]
        return tonic if self.mode is None else f"{tonic}:{self.mode.label}"


ANY_KEY = WishedKey()
"""Tonic and mode are both left open."""


_SIGNS = str.maketrans("\N{MUSIC SHARP SIGN}\N{MUSIC FLAT SIGN}", "#b")


def with_plain_signs(text: str) -> str:
    """The names of notes in a text with ``#`` and ``b`` in place of the signs that music prints."""
    return text.translate(_SIGNS)


def parse_key(text: str) -> WishedKey:
    """A key such as ``F#:minor``, ``C``, ``:minor``; the signs that music prints will do, too.

    Raises
    ------
    CmtError
        If there is no such key.
    """
    tonic_text, _, mode_text = with_plain_signs(text).strip().partition(":")
    tonic_text = tonic_text[:1].upper() + tonic_text[1:].lower()
    tonic_text = _ENHARMONIC.get(tonic_text, tonic_text)
    modes = {mode.label: mode for mode in Mode}
    if (tonic_text and tonic_text not in TONICS) or (mode_text and mode_text.lower() not in modes) or not text.strip():
        raise CmtError(
            f"no key {text!r}; write TONIC:MODE, e.g. F#:minor, with a tonic of {', '.join(TONICS)} "
            f"and a mode of {', '.join(modes)}"
        )
    tonic = TONICS.index(tonic_text) if tonic_text else None
    return WishedKey(tonic, modes[mode_text.lower()] if mode_text else None)


def estimate_key(histogram: np.ndarray) -> Key:
    """The key whose profile is nearest (Euclidean distance) to the shares of the 12 pitch classes.

    `histogram` is (12,), any unit, e.g. sixteenths for which each class sounds. Silence is C major.
    """
    if histogram.sum() == 0:
        return Key(0, Mode.MAJOR)
    distance = profile_distances(histogram)
    tonic, mode = np.unravel_index(np.argmin(distance), distance.shape)
    return Key(int(tonic), Mode(int(mode)))


def profile_distances(histogram: np.ndarray) -> np.ndarray:
    """(tonic, mode): how far (Euclidean) the shares of the 12 pitch classes (12,) are from the profile of each key."""
    shares = histogram / max(histogram.sum(), 1e-9)
    turned = np.stack([np.roll(shares, -tonic) for tonic in range(12)])  # (tonic, degree)
    return np.asarray(np.linalg.norm(turned[:, None] - _PROFILES[None], axis=-1))


def key_of_song(song: Song) -> Key:
    """The estimated key of all notes but the drums, weighed by duration."""
    histogram = np.zeros(12)
    for note in song.notes:
        if note.instrument is not Instrument.DRUMS:
            histogram[note.pitch % 12] += note.duration
    return estimate_key(histogram)


def semitones_between(here: int, there: int) -> int:
    """The smallest move from one pitch class to another, -6..5."""
    return (there - here + 6) % 12 - 6


def semitones_to_home(key: Key) -> int:
    """The move, -6..5, that brings a key to C major or A minor, where the model lives."""
    return semitones_between(key.tonic, _HOME_TONIC[key.mode])


def home_key(mode: Mode) -> Key:
    """C major or A minor."""
    return Key(_HOME_TONIC[mode], mode)
