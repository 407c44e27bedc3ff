"""A video's whole rhythm in one pass over its pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .beats import VisualBeat, choose_beats
from .cuts import CutFinder
from .fades import Fade, FadeFinder
from .flow import FlowMeter, FlowSeries
from .frames import Frame, Video
from .given import VideoSource
from .impacts import find_impacts, motion_saliency
from .looks import Look
from .scenes import Scene, find_scenes
from .sights import with_sights
from .tempo import visual_tempo
from .thumbnails import Thumbnail
from .views import View

Progress = Callable[[float, float | None], object]
"""A function that is called with the seconds of video done, and how many there are (None if the file does not say)."""
PROGRESS_STEP = 0.5
"""The seconds of video between two calls of the progress."""


@dataclass(frozen=True)
class VideoRhythm:
    """What a video has of rhythm, in seconds and diagonals."""

    path: str
    """The path as it was given; a word for what has none."""
    stream_index: int
    """The number of the stream that was measured; FFmpeg counts all streams of a file from 0."""
    duration: float
    """The seconds from the first picture to the end of the last."""
    fps: float
    """The pictures a second, on average if they come unevenly."""
    n_frame: int
    """The number of pictures decoded."""
    width: int
    """The width of the upright picture in pixels."""
    height: int
    """The height of the upright picture in pixels."""
    flow: FlowSeries
    """The speed and direction of the motion, up to 30 times a second."""
    saliency: NDArray[np.float64]
    """The growth of the motion (n,) at `flow.times`, in diagonals per second; raised at cuts."""
    visual_beats: tuple[VisualBeat, ...]
    """The visual beats in order of time, at least 0.25 s apart; none in a picture that stands still or glides."""
    cuts: tuple[float, ...]
    """The seconds of the first picture of each new shot."""
    tempo: float | None
    """The visual tempo in BPM, 40..240; None if the picture has no pulse."""
    tempo_confidence: float
    """The confidence in the visual tempo, 0..1."""
    warnings: tuple[str, ...]
    """A line for each fault of the file that did not stop the analysis, and one if it holds several pictures."""
    fades: tuple[Fade, ...] = ()
    """Fades and dissolves with their begin and end, in order of time; they are no cuts."""
    thumbnails: tuple[Thumbnail, ...] = ()
    """Small pictures in colour from all over the video, 64 at most."""
    scenes: tuple[Scene, ...] = ()
    """What is seen, scene by scene, in order of time; they cover the video."""


def analyze(video: VideoSource, progress: Progress | None = None) -> VideoRhythm:
    """Measure the rhythm of a video, decoding it once.

    Parameters
    ----------
    video
        The path of a file; the content of one, as bytes or as a file object that is open for reading and can be sought
        (it is read from its beginning, stays open, and stands where it stood); or `Frames`.
    progress
        A function that is called with the seconds done, and how many there are. What it raises ends the work.

    Raises
    ------
    VideoError
        If the file is missing, is no video, cannot be decoded, or is shorter than 0.5 s.
    """
    # A picture is looked at while the next one is being decoded; never more than these two are in memory.
    with Video(video) as film, ThreadPoolExecutor(1) as looker:
        watcher: Watcher | None = None
        looked: Future[None] | None = None
        reported = 0.0
        for frame in film.frames():
            if watcher is None:
                watcher = Watcher(film.width, film.height)
            if looked is not None:
                looked.result()
            looked = looker.submit(watcher.take, frame)
            if progress is not None and frame.time >= reported + PROGRESS_STEP:
                reported = frame.time
                progress(frame.time, film.expected_duration)
        if looked is not None:
            looked.result()
    assert watcher is not None  # `frames` raises if there are none
    if progress is not None:
        progress(film.duration, film.duration)
    return watcher.rhythm(
        path=film.path,
        stream_index=film.stream_index,
        duration=film.duration,
        fps=float(film.frame_rate),
        n_frame=film.n_frame,
        looks=film.looks,
        views=film.views,
        thumbnails=film.thumbnails,
        warnings=film.warnings,
    )


class Watcher:
    """Takes in the pictures of a video one by one, every one of them, and says what they have of rhythm.

    Parameters
    ----------
    width, height
        The size of the upright picture in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self._size = width, height
        self._flow_meter, self._cut_finder, self._fade_finder = FlowMeter(width, height), CutFinder(), FadeFinder()

    def take(self, frame: Frame) -> None:
        """Look at the next picture."""
        self._flow_meter.take(frame.time, frame.grey)
        self._cut_finder.take(frame.time, frame.grey, frame.colour)
        self._fade_finder.take(frame.time, frame.grey)

    def rhythm(
        self,
        *,
        path: str,
        stream_index: int,
        duration: float,
        fps: float,
        n_frame: int,
        looks: Sequence[Look],
        views: Sequence[View],
        thumbnails: tuple[Thumbnail, ...],
        warnings: tuple[str, ...],
    ) -> VideoRhythm:
        """The rhythm of all that was taken in; `looks` and `views` are of pictures from all over it."""
        cuts = self._cut_finder.cuts()
        fades = self._fade_finder.fades(cuts)
        flow = self._flow_meter.series(cuts, [(fade.begin, fade.end) for fade in fades])
        saliency = motion_saliency(flow, cuts)
        impacts = find_impacts(flow.times, saliency, cuts)
        pulse = visual_tempo(duration, impacts)
        visual_beats = choose_beats(duration, impacts)
        seen = with_sights(find_scenes(duration, looks, cuts, fades, flow, visual_beats), views, fades)
        width, height = self._size
        return VideoRhythm(
            path=path,
            stream_index=stream_index,
            duration=duration,
            fps=fps,
            n_frame=n_frame,
            width=width,
            height=height,
            flow=flow,
            saliency=saliency,
            visual_beats=visual_beats,
            cuts=cuts,
            tempo=pulse.tempo,
            tempo_confidence=pulse.confidence,
            warnings=(*warnings, *seen.warnings),
            fades=fades,
            thumbnails=thumbnails,
            scenes=seen.scenes,
        )
