"""What a scene shows, in a word, where that is sure: EfficientNet-Lite0 looks at pictures of it.

The network (Tan & Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019; the Lite
version and its weights are Google's, Apache-2.0, `data/make_picture_model.py`) gives each picture a probability for
every one of ImageNet's 1,000 classes. Those of a kind (`video_rhythm.kinds`) are summed, and averaged over pictures of
the scene and of scenes that are the same place. It says a word only where that is large and the pictures agree: the
classes are no list of all that there is, and a network that knows only them calls anything something.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .fades import Fade
from .kinds import FAMILIES, KINDS, N_CLASS, NATURE, TEXT, WORDS, words_of_classes
from .scenes import Scene, Sight
from .views import View

MODEL = Path(__file__).resolve().parent / "assets" / "efficientnet_lite0.onnx"
SIDE = 224
"""The rows and columns of what the network sees."""
MIDDLE, SCALE = 127.0, 128.0
"""A level of 0..255 less the first, divided by the second, is what it is given."""
MOST_LOOKS = 14
"""It looks so many times at most at a video."""
FEWEST_LOOKS = 2
"""It looks at a place at least so many times: at a single picture whole and at its middle."""
SURE = 0.65
"""From this mean probability on a word is said."""
AGREE, AGREEING = 0.4, 0.6
"""At least the second share of the looks must give the word the first probability."""
DRAWN, LOOKS_AT_DRAWN = 0.75, 4
"""A scene with at least the first share of plain area is no camera's: it may show a screen or print, and else nothing.
So many looks tell."""
MISSING = f"{MODEL}: missing or damaged, so nothing is said of what the video shows; install cmt again"
OF_TEXT = (TEXT, *(word for word, kind in KINDS.items() if kind.family == TEXT))


class Seen(NamedTuple):
    """Scenes with what they show."""

    scenes: tuple[Scene, ...]
    warnings: tuple[str, ...] = ()
    """A line where the network is missing."""


def with_sights(scenes: Sequence[Scene], views: Sequence[View], fades: Sequence[Fade]) -> Seen:
    """The scenes, each with what it shows where that is sure."""
    looks = _looks(scenes, views, fades)
    if not looks:
        return Seen(tuple(scenes))
    try:
        network = read_network()
    except (cv2.error, AttributeError):  # the latter where an OpenCV was built without its networks
        return Seen(tuple(scenes), (MISSING,))
    table = words_of_classes()
    seen: dict[int, Sight | None] = {}
    for place, pictures in looks.items():
        shares = np.array([network_shares(network, picture) for picture in pictures]) @ table
        seen[place] = sight_of(shares, scenes[place].flatness)
    return Seen(tuple(scene._replace(shows=seen.get(_place(scene, number))) for number, scene in enumerate(scenes)))


def sight_of(shares: NDArray[np.float32], flatness: float) -> Sight | None:
    """What is to be seen where each look gives the words these probabilities, (look, word); None if it is not sure.

    A family is said where no kind is sure, and nature where no family is. `flatness` is the share of plain area, 0..1.
    """
    means = shares.mean(axis=0)
    for words in (tuple(KINDS), FAMILIES, (NATURE,)):
        word = max(words, key=lambda one: float(means[WORDS.index(one)]))
        if flatness >= DRAWN and word not in OF_TEXT:
            continue
        its = shares[:, WORDS.index(word)]
        if its.mean() >= SURE and (its >= AGREE).mean() >= AGREEING:
            return Sight(word, round(float(its.mean()), 2))
    return None


def read_network() -> cv2.dnn.Net:
    """The network.

    Raises
    ------
    cv2.error
        If its file is missing or damaged.
    """
    return cv2.dnn.readNetFromONNX(str(MODEL))


def network_shares(network: cv2.dnn.Net, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N_CLASS,) the probabilities of the classes for a picture (SIDE, SIDE, 3) in red, green and blue."""
    values = (picture.astype(np.float32) - MIDDLE) / SCALE
    network.setInput(np.ascontiguousarray(values.transpose(2, 0, 1)[None]))
    classes = np.asarray(network.forward(), np.float32).reshape(N_CLASS)
    odds = np.exp(classes - classes.max())
    return np.asarray(odds / odds.sum())


def _place(scene: Scene, number: int) -> int:
    return number if scene.same_as is None else scene.same_as


def _looks(scenes: Sequence[Scene], views: Sequence[View], fades: Sequence[Fade]) -> dict[int, list[NDArray[np.uint8]]]:
    """What to look at, by the number of the first scene of each place: the longest places first and most."""
    clear = [view for view in views if not any(fade.begin <= view.time < fade.end for fade in fades)]
    of_place: dict[int, list[View]] = {}
    lasts: dict[int, float] = {}
    for number, scene in enumerate(scenes):
        place = _place(scene, number)
        inside = [view for view in clear if scene.begin <= view.time < scene.end]
        if inside:
            of_place.setdefault(place, []).extend(inside)
        lasts[place] = lasts.get(place, 0.0) + scene.duration
    longest = sorted(of_place, key=lambda place: (-lasts[place], place))[: MOST_LOOKS // FEWEST_LOOKS]
    counts = dict.fromkeys(longest, FEWEST_LOOKS)
    most = {
        place: min(2 * len(of_place[place]), LOOKS_AT_DRAWN if scenes[place].flatness >= DRAWN else MOST_LOOKS)
        for place in longest
    }
    for _ in range(MOST_LOOKS - FEWEST_LOOKS * len(longest)):
        open_places = [place for place in longest if counts[place] < most[place]]
        if not open_places:
            break
        counts[max(open_places, key=lambda place: lasts[place] / counts[place])] += 1
    return {place: list(_pictures(of_place[place], counts[place])) for place in longest}


def _pictures(views: Sequence[View], n_look: int) -> Iterator[NDArray[np.uint8]]:
    """So many pictures from all over the views: the whole, squeezed into a square, and the middle, by turns.

    Where there are fewer views than pictures, some are seen both ways.
    """
    for number in range(n_look):
        colours = views[min(len(views) - 1, int((number + 0.5) * len(views) / n_look))].colours
        if number % 2:
            rows, columns = colours.shape[:2]
            side = min(rows, columns)
            top, left = (rows - side) // 2, (columns - side) // 2
            colours = colours[top : top + side, left : left + side]
        yield np.asarray(
            cv2.resize(np.ascontiguousarray(colours), (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8
        )
