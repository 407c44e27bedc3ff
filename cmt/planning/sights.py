"""What a scene shows, and what that adds to its mood.

That pictures of landscapes, flowers, food and pets are pleasant to most people, and those of weapons are not, is what
the norms of picture sets say (Kurdi, Lozano & Banaji, Introducing the Open Affective Standardized Image Set (OASIS),
Behavior Research Methods 49, 2017). The numbers are judged in that direction, not measured, and small: light, colour
and motion still say most. No genre and no instrument follows from a word: nothing that we know says what a dog sounds
like.
"""

from __future__ import annotations

from collections.abc import Mapping

from cmt.report.scenes import MoodSeen
from video_rhythm import Sight, VideoRhythm

OFFSETS: Mapping[str, tuple[float, float]] = {
    "coast": (0.2, -0.1),
    "lake": (0.2, -0.2),
    "mountains": (0.15, -0.05),
    "field": (0.15, -0.15),
    "landscape": (0.15, -0.1),
    "flower": (0.25, -0.2),
    "plants": (0.15, -0.15),
    "nature": (0.1, -0.1),
    "bird": (0.1, 0.0),
    "dog": (0.25, 0.1),
    "cat": (0.15, -0.1),
    "horse": (0.15, 0.0),
    "reptile": (-0.15, 0.0),
    "under water": (0.05, -0.15),
    "food": (0.15, 0.0),
    "play": (0.25, 0.1),
    "sport": (0.1, 0.2),
    "concert": (0.15, 0.15),
    "boat": (0.1, -0.05),
    "aircraft": (0.05, 0.1),
    "road": (0.0, 0.05),
    "train": (0.0, 0.05),
    "vehicle": (0.0, 0.05),
    "weapons": (-0.4, 0.3),
}
"""What each word adds to valence and arousal; other words add nothing."""
OF_NO_MOOD = frozenset({"screen", "print", "text"})
"""The light of these is a matter of taste: a dark window is not sad, and a white page is not happy..."""
LEFT = 0.25
"""...so that only this share of the certainty is left."""
SURER = 0.3
"""Where it is known what a scene shows, its mood is surer by this share of what is missing."""


def with_sight(mood: MoodSeen, sight: Sight | None) -> MoodSeen:
    """A mood by light, colour and motion, and what is seen beside them."""
    if sight is None:
        return mood
    if sight.word in OF_NO_MOOD:
        return mood._replace(certainty=LEFT * mood.certainty)
    if sight.word not in OFFSETS:
        return mood
    valence, arousal = OFFSETS[sight.word]
    return MoodSeen(
        valence=max(-1.0, min(1.0, mood.valence + valence)),
        arousal=max(-1.0, min(1.0, mood.arousal + arousal)),
        certainty=mood.certainty + SURER * (1 - mood.certainty),
    )


def sight_between(rhythm: VideoRhythm, begin: float, end: float) -> Sight | None:
    """What is seen from `begin` to `end` (seconds) for longest; None where that is nothing for half of the time.

    Its certainty is the mean over the scenes by how long each is seen there.
    """
    lasts: dict[str, float] = {}
    sure: dict[str, float] = {}
    for scene in rhythm.scenes:
        shared = min(end, scene.end) - max(begin, scene.begin)
        if shared > 0 and scene.shows is not None:
            word = scene.shows.word
            lasts[word] = lasts.get(word, 0.0) + shared
            sure[word] = sure.get(word, 0.0) + shared * scene.shows.certainty
    word = max(lasts, key=lambda one: lasts[one], default="")
    if not word or lasts[word] < 0.5 * (end - begin):
        return None
    return Sight(word, round(sure[word] / lasts[word], 2))
