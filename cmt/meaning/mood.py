"""Moods: a point between unpleasant and pleasant, calm and excited, and the words for it.

Source of the space: Russell, *A circumplex model of affect* (Journal of Personality and Social Psychology 39, 1980).
The order of the words round the circle is his where he has them: happy, excited, tense, angry, sad, gloomy, tired,
calm, relaxed, content. That calm is far down and happy far to the right is also what the norms of Warriner, Kuperman
and Brysbaert say (Behavior Research Methods 45, 2013). The numbers themselves, and the place of words that are said of
music rather than of people (epic, dreamy, dark), are judged, not measured. Tense lies further to the left than
Russell has it: listeners find tense music unpleasant (Eerola & Vuoskoski, Psychology of Music 39, 2011).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cmt.errors import CmtError
from cmt.machine.columns import shown


@dataclass(frozen=True)
class Mood:
    """A point of the circumplex.

    Raises
    ------
    ValueError
        If a coordinate is out of range.
    """

    valence: float
    """From unpleasant, -1, to pleasant, 1."""
    arousal: float
    """From calm, -1, to excited, 1."""
    words: str = field(default="", compare=False)
    """What it was called; empty where nobody named it."""

    def __post_init__(self) -> None:
        if not (abs(self.valence) <= 1 and abs(self.arousal) <= 1):
            raise ValueError(f"valence and arousal are from -1 to 1, got {self.valence}, {self.arousal}")

    def __str__(self) -> str:
        """The mood as ``melancholic (valence -0.6, arousal -0.4)``."""
        return f"{self.words or nearest_word(self)} (valence {self.valence:.2g}, arousal {self.arousal:.2g})"


MOODS: Mapping[str, tuple[float, float]] = {
    "happy": (0.8, 0.4),
    "joyful": (0.85, 0.55),
    "cheerful": (0.75, 0.45),
    "playful": (0.6, 0.45),
    "funny": (0.65, 0.35),
    "excited": (0.65, 0.75),
    "euphoric": (0.9, 0.8),
    "triumphant": (0.7, 0.7),
    "heroic": (0.5, 0.75),
    "epic": (0.35, 0.85),
    "powerful": (0.25, 0.8),
    "energetic": (0.45, 0.85),
    "groovy": (0.5, 0.4),
    "uplifting": (0.7, 0.35),
    "inspiring": (0.6, 0.35),
    "hopeful": (0.5, 0.15),
    "confident": (0.5, 0.3),
    "cool": (0.3, -0.1),
    "warm": (0.55, -0.3),
    "romantic": (0.5, -0.25),
    "content": (0.6, -0.4),
    "tender": (0.4, -0.5),
    "relaxed": (0.55, -0.6),
    "peaceful": (0.5, -0.7),
    "calm": (0.4, -0.75),
    "dreamy": (0.25, -0.55),
    "tired": (-0.1, -0.85),
    "nostalgic": (-0.1, -0.3),
    "bittersweet": (-0.2, -0.2),
    "longing": (-0.35, -0.25),
    "solemn": (-0.2, -0.45),
    "melancholic": (-0.6, -0.4),
    "sad": (-0.7, -0.45),
    "lonely": (-0.6, -0.55),
    "depressed": (-0.8, -0.6),
    "gloomy": (-0.65, -0.3),
    "mysterious": (-0.3, -0.1),
    "dark": (-0.6, 0.1),
    "eerie": (-0.55, 0.2),
    "serious": (-0.2, -0.05),
    "dramatic": (-0.2, 0.65),
    "suspenseful": (-0.4, 0.5),
    "restless": (-0.3, 0.55),
    "tense": (-0.5, 0.6),
    "anxious": (-0.6, 0.55),
    "scary": (-0.7, 0.7),
    "angry": (-0.7, 0.8),
    "aggressive": (-0.55, 0.9),
    "wild": (0.1, 0.9),
    "neutral": (0.0, 0.0),
}
"""Valence and arousal of each word."""
DEGREES: Mapping[str, float] = {
    "barely": 0.3,
    "hardly": 0.3,
    "a touch of": 0.4,
    "a touch": 0.4,
    "a hint of": 0.4,
    "slightly": 0.4,
    "a little bit": 0.4,
    "a little": 0.4,
    "a bit": 0.4,
    "a tad": 0.4,
    "bit": 0.4,
    "kind of": 0.6,
    "sort of": 0.6,
    "somewhat": 0.6,
    "rather": 0.8,
    "fairly": 0.8,
    "mostly": 1.0,
    "quite": 1.0,
    "pretty": 1.0,
    "really": 1.3,
    "very": 1.3,
    "so": 1.3,
    "truly": 1.3,
    "deeply": 1.3,
    "super": 1.4,
    "totally": 1.4,
    "extremely": 1.6,
    "incredibly": 1.6,
    "insanely": 1.6,
    "ein bisschen": 0.4,
    "ein wenig": 0.4,
    "etwas": 0.6,
    "ziemlich": 1.0,
    "sehr": 1.3,
    "extrem": 1.6,
    "un poco": 0.4,
    "muy": 1.3,
    "un peu": 0.4,
    "tres": 1.3,
    "très": 1.3,
}
"""How strong a word is meant behind each of these."""
OPPOSITE = -0.5
"""What is *not* something lies half as far on the other side."""


def mood_of_word(word: str, degree: float = 1.0) -> Mood:
    """The mood of one of `MOODS`, more or less of it; never beyond the borders."""
    valence, arousal = MOODS[word]
    return Mood(round(_within(degree * valence), 2), round(_within(degree * arousal), 2), word)


def mixture(parts: Iterable[tuple[str, float]], without: Iterable[str] = ()) -> Mood:
    """The mood of several words, each with its degree; what it shall not be pushes it to the other side.

    The words are averaged by their degrees, and the whole is as strong as the strongest of them: ``sad, a little
    hopeful`` is (sad + 0.4 hopeful) / 1.4.

    Raises
    ------
    ValueError
        If there is no word at all.
    """
    named, avoided = list(parts), list(without)
    if not named and not avoided:
        raise ValueError("a mood needs a word")
    total = sum(degree for _, degree in named)
    strongest = max((degree for _, degree in named), default=0.0)
    axes = []
    for axis in (0, 1):
        value = strongest * sum(degree * MOODS[word][axis] for word, degree in named) / total if named else 0.0
        push = OPPOSITE / (2 if named else 1)
        value += push * sum(MOODS[word][axis] for word in avoided) / max(len(avoided), 1)
        axes.append(round(_within(value), 2))
    words = ", ".join([*(_in_words(word, degree) for word, degree in named), *(f"not {word}" for word in avoided)])
    return Mood(axes[0], axes[1], words)


def nearest_word(mood: Mood) -> str:
    """The word whose place is nearest."""
    return min(MOODS, key=lambda word: math.dist(MOODS[word], (mood.valence, mood.arousal)))


def no_such_mood(text: str, words: Iterable[str]) -> CmtError:
    """The error for a word that names no mood, with those that are spelt like it, out of all `words` that do."""
    near = difflib.get_close_matches(text.lower(), list(words), 3, 0.7)
    hint = f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(MOODS)}"
    return CmtError(f"no mood {shown(text)}; {hint}")


def _in_words(word: str, degree: float) -> str:
    if degree == 1:
        return word
    return f"{next((name for name, value in _SAID.items() if value >= degree), 'extremely')} {word}"


_SAID = {"a little": 0.4, "somewhat": 0.6, "rather": 0.8, "": 1.0, "very": 1.4, "extremely": math.inf}
"""How a degree up to each number is told."""


def _within(value: float) -> float:
    return max(-1.0, min(1.0, value))
