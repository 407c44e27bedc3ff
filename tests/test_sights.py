"""What a picture shows: the kinds, when a word is said, the network, and what follows for the mood."""

import av
import cv2
import matplotlib.cbook
import numpy as np
import pytest
from test_mood import CALIBRATION, USUAL, video

from cmt.config import GenerateConfig
from cmt.meaning.description import Description, SceneSeen
from cmt.meaning.wishing import described_wishes
from cmt.planning.mood import mood_of_video, moods_of_bars, scenes_seen
from cmt.planning.plan import plan_music
from cmt.planning.sights import OF_NO_MOOD, OFFSETS, sight_between, with_sight
from cmt.planning.wished_scenes import WishedScene, with_words
from cmt.planning.wishes import Wishes, settled
from cmt.report.scenes import MoodSeen
from video_rhythm import Sight, sights
from video_rhythm.kinds import FAMILIES, KINDS, N_CLASS, NATURAL, WORDS, classes_of, words_of_classes
from video_rhythm.sights import DRAWN, SURE, network_shares, read_network, sight_of, with_sights
from video_rhythm.views import MOST, SHORTER_SIDE, View, ViewKeeper


def looks(*each):
    """(look, word) of what each look gives to classes: ``{978: 0.9}``."""
    classes = np.zeros((len(each), N_CLASS), np.float32)
    for row, shares in zip(classes, each, strict=True):
        for number, share in shares.items():
            row[number] = share
    return classes @ words_of_classes()


def test_every_class_is_of_one_kind_at_most():
    numbers = [number for kind in KINDS.values() for number in classes_of(kind)]
    assert len(numbers) == len(set(numbers)) and set(numbers) < set(range(N_CLASS))
    assert {kind.family for kind in KINDS.values()} == {*FAMILIES, None}
    assert len(set(WORDS)) == len(WORDS) and set(NATURAL) < set(KINDS)


def test_words_of_classes_know_kind_family_and_nature():
    table = words_of_classes()
    named = {number: {WORDS[k] for k in np.flatnonzero(table[number])} for number in (978, 207, 817, 463)}
    assert named == {
        978: {"coast", "landscape", "nature"},
        207: {"dog", "animal"},
        817: {"road", "vehicle"},
        463: set(),
    }


def test_a_word_is_said_where_it_is_sure():
    assert sight_of(looks({978: 0.9}, {976: 0.7}), 0.2) == Sight("coast", 0.8)
    assert sight_of(looks({978: 0.5}, {978: 0.5}), 0.2) is None


def test_a_word_is_not_said_where_the_looks_disagree():
    shares = looks({978: 1.0}, {978: 1.0}, {978: 0.3}, {978: 0.3})
    assert shares[:, WORDS.index("coast")].mean() >= SURE
    assert sight_of(shares, 0.2) is None


def test_the_family_is_said_where_no_kind_is_sure_and_nature_where_no_family_is():
    assert sight_of(looks({978: 0.4, 970: 0.4}), 0.2) == Sight("landscape", 0.8)
    assert sight_of(looks({309: 0.45, 946: 0.45}), 0.2) == Sight("nature", 0.9)


def test_of_what_is_drawn_only_a_screen_or_print_is_said():
    assert sight_of(looks({978: 0.9}), DRAWN) is None
    assert sight_of(looks({916: 0.9}), DRAWN) == Sight("screen", 0.9)


def test_the_network_knows_a_photograph():
    """A portrait in uniform, which matplotlib brings."""
    path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    picture = cv2.resize(cv2.imread(str(path))[..., ::-1], (224, 224), interpolation=cv2.INTER_AREA)
    shares = network_shares(read_network(), picture)
    assert shares.argmax() == 652 and shares.sum() == pytest.approx(1, abs=1e-4)


def picture(seed=0, rows=SHORTER_SIDE, columns=398):
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), np.uint8)


def test_each_place_is_looked_at_and_its_scenes_say_the_same(monkeypatch):
    seen = []

    def shares(_network, its):
        seen.append(its.shape)
        row = np.zeros(N_CLASS, np.float32)
        row[978 if its.mean() < 128 else 207] = 1
        return row

    monkeypatch.setattr(sights, "network_shares", shares)
    dark, light = picture() // 2, 255 - picture() // 2
    scenes = [USUAL._replace(begin=10.0 * k, end=10.0 * k + 10) for k in range(3)]
    scenes[2] = scenes[2]._replace(same_as=0)
    views = [View(float(t), light if 10 <= t < 20 else dark) for t in range(30)]
    found = with_sights(scenes, views, ()).scenes
    assert [scene.shows for scene in found] == [Sight("coast", 1.0), Sight("dog", 1.0), Sight("coast", 1.0)]
    assert set(seen) == {(224, 224, 3)} and len(seen) <= sights.MOST_LOOKS


def test_without_the_network_nothing_is_said_but_that(monkeypatch, tmp_path):
    monkeypatch.setattr(sights, "MODEL", tmp_path / "none.onnx")
    found = with_sights([USUAL], [View(1.0, picture())], ())
    assert found.scenes == (USUAL,) and len(found.warnings) == 1 and "install cmt again" in found.warnings[0]
    assert with_sights([USUAL], [], ()).warnings == ()


@pytest.mark.parametrize(("width", "height", "shape"), [(1280, 720, (224, 398)), (90, 160, (398, 224))])
def test_views_are_few_even_and_upright(width, height, shape):
    keeper = ViewKeeper(width, height)
    frame = av.VideoFrame.from_ndarray(picture(0, 120, 160), format="rgb24")
    for time in range(2 * MOST):
        keeper.take(float(time), frame)
    views = keeper.views()
    assert MOST / 2 <= len(views) <= MOST
    assert {view.colours.shape for view in views} == {(*shape, 3)}
    assert len(set(np.diff([view.time for view in views]))) == 1


def test_what_is_seen_moves_a_mood_a_little():
    assert OFFSETS.keys() <= set(WORDS) and set(WORDS) >= OF_NO_MOOD
    assert all(abs(offset) <= 0.4 for pair in OFFSETS.values() for offset in pair)
    mood = MoodSeen(0.9, 0.0, 0.5)
    assert with_sight(mood, None) == with_sight(mood, Sight("my grandmother", 1.0)) == mood
    assert with_sight(mood, Sight("coast", 0.8)) == MoodSeen(1.0, -0.1, pytest.approx(0.65))
    assert with_sight(mood, Sight("screen", 0.8)) == MoodSeen(0.9, 0.0, 0.125)


def shown(*words):
    """A video of scenes of 10 s that show these."""
    return video(
        seconds=10.0 * len(words),
        scenes=tuple(
            USUAL._replace(begin=10.0 * k, end=10.0 * k + 10, shows=None if word is None else Sight(word, 0.8))
            for k, word in enumerate(words)
        ),
    )


def test_it_reaches_the_mood_of_scenes_bars_and_video():
    nothing, flower = shown(None, None), shown("flower", None)
    seen = scenes_seen(flower, CALIBRATION)
    assert [(scene.shows, scene.shows_certainty) for scene in seen] == [("flower", 0.8), (None, None)]
    assert seen[0].mood.valence > seen[1].mood.valence and seen[0].mood.arousal < seen[1].mood.arousal
    before, behind = moods_of_bars(flower, CALIBRATION, [0.0, 10.0, 20.0])
    assert before.valence > behind.valence and before.arousal < behind.arousal
    assert mood_of_video(flower, CALIBRATION).valence > mood_of_video(nothing, CALIBRATION).valence


def test_what_is_seen_between_is_what_lasts_longest():
    rhythm = shown("coast", "road", "road")
    assert sight_between(rhythm, 0, 30) == Sight("road", 0.8)
    assert sight_between(rhythm, 5, 15) == Sight("coast", 0.8)
    assert sight_between(shown("coast", None, None), 0, 30) is None


def test_a_users_word_counts_and_a_described_one_changes_nothing():
    rhythm = shown("coast", None)
    assert with_words(rhythm, [WishedScene(0.0, shows="coast"), WishedScene(10.0)]) == rhythm
    said = with_words(rhythm, [WishedScene(0.0, shows="weapons"), WishedScene(10.0, shows="my garden")])
    assert [scene.shows for scene in said.scenes] == [Sight("weapons", 1.0), Sight("my garden", 1.0)]


def test_an_edited_description_changes_the_mood_of_the_plan():
    rhythm = shown("coast", "coast")

    def mood(word):
        description = Description(scenes=(SceneSeen(0, 20, shows=word),))
        wishes = described_wishes(description, Wishes()).wishes
        return plan_music(rhythm, settled(wishes, 20.0), GenerateConfig()).mood

    as_seen = plan_music(rhythm, settled(Wishes(), 20.0), GenerateConfig()).mood
    assert mood("coast") == mood(None) == as_seen
    assert mood("weapons").valence < as_seen.valence
