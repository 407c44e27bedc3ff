"""The sample clip has the rhythm that its recipe says."""

import importlib.util
from pathlib import Path
from types import ModuleType

import av
import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.slow

RECIPE = Path(__file__).resolve().parent.parent / "data" / "draw_sample_clip.py"
SCENE_SECONDS = 0.75
HEIGHT = 180


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    # By its path: data/ is no package, and nothing imports it.
    spec = importlib.util.spec_from_file_location("draw_sample_clip", RECIPE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def clip(recipe: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "new folder" / "clip.mp4"
    recipe.draw_sample_clip(path, SCENE_SECONDS, HEIGHT)
    return path


@pytest.fixture(scope="module")
def grey_frames(clip: Path) -> np.ndarray:
    with av.open(str(clip)) as container:
        return np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)])


def test_the_film_is_four_scenes_cut_on_the_beat(recipe: ModuleType):
    assert len(recipe.SCENES) * recipe.SCENE_SECONDS == 20
    assert recipe.SCENE_SECONDS % recipe.BEAT == 0
    # A beat that begins between two frames could not be seen where it is.
    assert (recipe.BEAT * recipe.FRAME_RATE).is_integer()


def test_length_and_size_are_as_asked(recipe: ModuleType, clip: Path, grey_frames: np.ndarray):
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        assert not container.streams.audio
        assert (stream.width, stream.height, stream.average_rate) == (320, HEIGHT, recipe.FRAME_RATE)
        assert float(stream.duration * stream.time_base) == pytest.approx(4 * SCENE_SECONDS)
    assert len(grey_frames) == 4 * SCENE_SECONDS * recipe.FRAME_RATE


def test_scenes_are_calm_and_fast_as_planned(grey_frames: np.ndarray):
    dawn, ball, tunnel, night = (
        np.mean([flow_speed(a, b) for a, b in zip(scene[::3], scene[1::3], strict=True)])
        for scene in np.split(grey_frames, 4)
    )
    assert tunnel > 3 * max(dawn, night)
    assert ball > 1.5 * max(dawn, night)
    assert min(dawn, night) > 0


def flow_speed(before: np.ndarray, after: np.ndarray) -> float:
    """Mean length of the optical flow, in pixels a frame."""
    flow = cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    return float(np.linalg.norm(flow, axis=-1).mean())


def test_cuts_are_hard(recipe: ModuleType, grey_frames: np.ndarray):
    change = np.abs(np.diff(grey_frames.astype(float), axis=0)).mean(axis=(1, 2))
    first_frames = np.arange(1, 4) * round(SCENE_SECONDS * recipe.FRAME_RATE)
    assert set(np.argsort(change)[-3:] + 1) == set(first_frames)


@pytest.mark.parametrize("beat", range(1, 10))
def test_the_ball_lands_on_the_beat(recipe: ModuleType, beat: int):
    def foot(time: float) -> int:
        """The lowest row of the ball's own red."""
        picture = recipe.ball(time, HEIGHT).astype(int)
        is_ball = np.abs(picture - (231, 98, 74)).max(axis=-1) <= 3
        return int(np.flatnonzero(is_ball.any(axis=1)).max())

    landing = beat * recipe.BEAT
    # A pillar may stand higher than the one before: so not the lowest point of all, but lower than just around it.
    assert foot(landing) > max(foot(landing - 0.08), foot(landing + 0.08))


def test_drawing_again_gives_the_same_pictures(recipe: ModuleType):
    """Not the same file: on some processors libx264 rounds now and then otherwise, with one thread too."""
    for one, other in zip(*(recipe.frames(0.25, HEIGHT) for _ in range(2)), strict=True):
        assert np.array_equal(one, other)


def test_the_film_shows_what_was_drawn(recipe: ModuleType, grey_frames: np.ndarray):
    drawn = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in recipe.frames(SCENE_SECONDS, HEIGHT)]
    error = np.abs(grey_frames - np.stack(drawn).astype(float)).mean(axis=(1, 2))
    assert error.max() < 3  # of 256 levels


def test_nothing_is_left_of_a_drawing_that_failed(recipe: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(time: float, height: int) -> np.ndarray:
        raise RuntimeError("out of paint")

    monkeypatch.setattr(recipe, "SCENES", (recipe.dawn, broken))
    with pytest.raises(RuntimeError, match="out of paint"):
        recipe.draw_sample_clip(tmp_path / "clip.mp4", 0.25, HEIGHT)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("scene_seconds", "height"), [(0, 540), (5.5, 540), (1, 100), (1, 0), (1, -18)])
def test_what_cannot_be_drawn_is_refused(recipe: ModuleType, tmp_path: Path, scene_seconds: float, height: int):
    with pytest.raises(ValueError, match="must"):
        recipe.draw_sample_clip(tmp_path / "clip.mp4", scene_seconds, height)
