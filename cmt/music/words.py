"""The vocabulary: compound words of seven attributes, and the initial words before them.

Source: Di et al., *Video Background Music Generation with Controllable Music Transformer*
(ACM MM 2021), section 4.1. Every attribute counts from 0 = "none"; everything else is arithmetic.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from midi_io.song import POSITIONS_PER_BAR, Instrument

VOCABULARY_VERSION = 2
"""The number goes up when words change their meaning: a checkpoint of another version cannot be used."""

MAX_STRENGTH = 16
"""A simu-note has at most this many notes; of LPD's fewer than one in 10,000 are larger."""
MAX_DURATION = 4 * POSITIONS_PER_BAR
"""The longest note lasts this many sixteenths, four bars."""
BAR = POSITIONS_PER_BAR + 1
"""The value of the position attribute that opens a bar; 1..16 are its sixteenths."""
N_TIMING = 100
"""The number of bins of the beat-timing encoding (M in eq. 12); a word's bin is 0..100, both included."""


class WordType(IntEnum):
    """First attribute of a word: it decides which of the others apply."""

    END = 0
    RHYTHM = 1
    """A bar (position = BAR, density) or a beat (position, density, strength, instrument)."""
    NOTE = 2
    """A note of the simu-note announced last (instrument, pitch, duration)."""


class CompoundWord(NamedTuple):
    """One word, or one value for each of its K = 7 attributes."""

    type: int
    position: int
    """The position: 0 none, 1..16 sixteenth of the bar + 1, 17 BAR."""
    density: int
    """The density: 0 none, else 1 + simu-note positions in the bar (bar) or still to come after this one (beat)."""
    strength: int
    """The strength: 0 none, else the notes in this instrument's simu-note."""
    instrument: int
    """The instrument: 0 none, else 1 + Instrument."""
    pitch: int
    """The pitch: 0 none, else 1 + MIDI pitch."""
    duration: int
    """The duration: 0 none, else sixteenths."""


FIELD_SIZES = CompoundWord(
    type=len(WordType),
    position=BAR + 1,
    density=POSITIONS_PER_BAR + 2,
    strength=MAX_STRENGTH + 1,
    instrument=len(Instrument) + 1,
    pitch=128 + 1,
    duration=MAX_DURATION + 1,
)
"""The number of values of each attribute."""

FIELDS = CompoundWord._fields

CHAIN: Mapping[str, tuple[str, ...]] = {
    "position": (),
    "instrument": ("position",),
    "strength": ("position", "instrument"),
    "density": ("position",),
    "pitch": ("instrument",),
    "duration": ("instrument", "pitch"),
}
"""The attributes drawn after the type, in order, and what each of them sees when chained."""


class Genre(IntEnum):
    """The six genres of the paper (section 5.1)."""

    COUNTRY = 0
    DANCE = 1
    ELECTRONIC = 2
    METAL = 3
    POP = 4
    ROCK = 5

    @property
    def label(self) -> str:
        """The name that users read and type, e.g. ``pop``."""
        return self.name.lower()


GENRES: Mapping[str, Genre] = {genre.label: genre for genre in Genre}
"""The genres by their labels."""


class Mode(IntEnum):
    """Major or minor."""

    MAJOR = 0
    MINOR = 1

    @property
    def label(self) -> str:
        """The name that users read and type, e.g. ``minor``."""
        return self.name.lower()


FREE = 0
"""The value of an initial word that leaves its question to the model."""

TEMPO_EDGES = (70.0, 90.0, 110.0, 130.0, 150.0)
"""The borders in BPM between the six tempo classes; they split LPD's songs into parts of like size."""


class InitialWords(NamedTuple):
    """What is known of a piece before its first bar; each may be left FREE."""

    genre: int = FREE
    """The genre: FREE, else 1 + Genre."""
    mode: int = FREE
    """The mode: FREE, else 1 + Mode."""
    tempo: int = FREE
    """The tempo: FREE, else 1 + tempo class."""
    drums: int = FREE
    """The drums: FREE, 1 absent, 2 present; the other four instruments have the same values."""
    piano: int = FREE
    guitar: int = FREE
    bass: int = FREE
    strings: int = FREE
    valence: int = FREE
    """How pleasant it is: FREE, 1 unpleasant, 2 between, 3 pleasant."""
    arousal: int = FREE
    """How excited it is: FREE, 1 calm, 2 between, 3 excited."""


INITIAL_SIZES = InitialWords(len(Genre) + 1, len(Mode) + 1, len(TEMPO_EDGES) + 2, 3, 3, 3, 3, 3, 4, 4)
"""The number of values of each initial word."""
N_INITIAL_STEP = 3 + len(Instrument)
"""The network hears so many steps before the first bar: a step for each initial word but the two of the mood..."""
MOOD_STEP = 1
"""...which are heard together with the one of this number, the mode."""
INSTRUMENT_WORDS = slice(3, 3 + len(Instrument))
"""Which of the initial words are those of the instruments."""
MOOD_EDGE = 0.25
"""A valence or arousal, -1..1, above this asks for the highest third of songs, one below its negative for the
lowest."""


def tempo_class(tempo: float) -> int:
    """The class of a tempo in BPM, 0..5."""
    return bisect_right(TEMPO_EDGES, tempo)


def initial_words(
    genre: Genre | None = None,
    mode: Mode | None = None,
    tempo: float | None = None,
    instruments: tuple[Instrument, ...] | None = None,
    thirds: tuple[int | None, int | None] = (None, None),
) -> InitialWords:
    """The initial words of a piece; None leaves a question open.

    Parameters
    ----------
    tempo
        BPM.
    thirds
        The third of all songs, 0..2, in which its valence and its arousal lie; see `asked_third`.
    """
    present = [FREE] * len(Instrument)
    if instruments is not None:
        present = [2 if instrument in instruments else 1 for instrument in Instrument]
    return InitialWords(
        FREE if genre is None else 1 + genre,
        FREE if mode is None else 1 + mode,
        FREE if tempo is None else 1 + tempo_class(tempo),
        *present,
        *(FREE if third is None else 1 + third for third in thirds),
    )


def asked_third(value: float | None) -> int | None:
    """The third of all songs, 0..2, that a valence or an arousal of -1..1 asks for; None for None."""
    return None if value is None else int(value >= -MOOD_EDGE) + int(value > MOOD_EDGE)
