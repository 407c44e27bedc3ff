"""What a page says of takes, scenes and keys in words that need no glossary."""

from __future__ import annotations

from collections.abc import Sequence

from cmt.meaning.mood import Mood, nearest_word
from cmt.music.key import Key
from cmt.report.parts import Take
from cmt.report.scenes import MoodSeen, SceneSeen

_CLEARLY = 0.02
"""Takes whose shares differ by less are alike in them."""
_ASPECTS = (
    ("match", "does more of what was asked", 1.0),
    ("likeness", "is closer to real songs", 1.0),
    ("realism", "sounds more like a real song", 1.0),
    ("genre", "sounds more like its genre", 0.5),
    ("mood", "is nearer to the mood", 0.25),
)
"""In what a take may be ahead, how that is said, and its weight in the score (`cmt.soundtrack.takes`)."""


_METRICS = {
    "pitch class entropy 1": "variety of pitches in a bar",
    "pitch class entropy 4": "variety of pitches in four bars",
    "adjacent grooving similarity": "likeness of the rhythm of neighbouring bars",
    "scale consistency": "share of notes in one scale",
    "polyphony": "notes that sound at once",
    "different bars": "share of bars that differ",
    "drum consistency": "steadiness of the drums",
}
"""What takes are compared with real songs in, in plain words."""


def label_of_take(number: int) -> str:
    """The letter of a take, numbers from 0: A, B ... Z, then 27, 28 ..."""
    return chr(ord("A") + number) if number < 26 else str(number + 1)


def key_in_words(key: Key) -> str:
    """The key as ``E♭ major``."""
    tonic = key.signature.removesuffix("m")
    return f"{tonic.replace('#', '♯').replace('b', '♭')} {key.mode.label}"


def mood_in_words(mood: MoodSeen) -> str:
    """The nearest word for what is seen; what is not sure of being pleasant or not counts less."""
    return nearest_word(Mood(mood.valence * min(1.0, mood.certainty), mood.arousal))


def scene_in_words(scene: SceneSeen) -> str:
    """What is seen in a scene, such as ``meadow, peaceful``; its colour where it is not known what it shows."""
    return f"{scene.shows or scene.colour}, {mood_in_words(scene.mood)}"


def reasons_of_take(takes: Sequence[Take], number: int) -> list[str]:
    """Why a take, numbers from 0, has the place that it has: a sentence each, the one that decided first.

    Of one alone nobody knows the place: it may be any of several that were written.
    """
    take = takes[number]
    if take.rejected:
        return [f"Rejected: {'; '.join(take.rejected)}."]
    place = [_place(takes, number)] if len(takes) > 1 else []
    return [*place, *(f"Unusual: {_plain(outside)}." for outside in take.unlike_real_songs)]


def shares_of_take(take: Take) -> list[tuple[str, float]]:
    """What a take was judged by, each with its share, 0..1."""
    shares = (
        ("Does what was asked", take.match),
        ("Close to real songs", take.likeness),
        ("More like a song than other pieces", take.realism),
        ("Sounds like its genre", take.genre),
        ("Mood as asked", take.mood),
    )
    return [(words, share) for words, share in shares if share is not None]


def _plain(outside: str) -> str:
    """A line on a metric, with words in place of its name."""
    name = next((name for name in _METRICS if outside.startswith(name)), "")
    return _METRICS.get(name, "") + outside.removeprefix(name)


def _place(takes: Sequence[Take], number: int) -> str:
    take, best = takes[number], takes[0]
    if number > 0:
        ahead = _ahead(best, take)
        return f"A {ahead}." if ahead else "Almost as good as A."
    sound = [other for other in takes[1:] if not other.rejected]
    if not sound:
        return "The best, because every other take was rejected."
    ahead = _ahead(take, sound[0])
    return f"The best: it {ahead} than {_next_label(takes)}." if ahead else f"The best of {len(takes)}, by a hair."


def _next_label(takes: Sequence[Take]) -> str:
    return next(label_of_take(number) for number, take in enumerate(takes) if number and not take.rejected)


def _ahead(better: Take, other: Take) -> str | None:
    """In what the better of two takes is ahead most, as a phrase; None where they are alike in everything."""
    gaps = []
    for name, phrase, weight in _ASPECTS:
        first, second = getattr(better, name), getattr(other, name)
        if first is not None and second is not None and first - second >= _CLEARLY:
            gaps.append((weight * (first - second), phrase))
    return max(gaps)[1] if gaps else None
