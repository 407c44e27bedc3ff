"""From a file to its rhythm, in one pass."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .beats import VisualBeat, choose_beats
from .cuts import CutFinder
from .flow import FlowMeter, FlowSeries
from .frames import Video
from .impacts import find_impacts, motion_saliency
from .tempo import visual_tempo

PROGRESS_STEP = 0.25
"""Seconds of video between two calls of `progress`."""


@dataclass(frozen=True)
class VideoRhythm:
    """What was measured of a video; nothing in it is about music."""

    path: str
    duration: float
    """Seconds from the first picture to the end of the last one."""
    fps: float
    """Frames a second."""
    n_frame: int
    width: int
    """Pixels of the upright picture."""
    height: int
    """Pixels of the upright picture."""
    flow: FlowSeries
    saliency: NDArray[np.float64]
    """(n,) motion saliency at `flow.times`, in diagonals per second."""
    visual_beats: tuple[VisualBeat, ...]
    cuts: tuple[float, ...]
    """Seconds of the first picture of each new shot."""
    tempo: float | None
    """Visual tempo in BPM, or None where there is no visual rhythm."""
    tempo_confidence: float
    """0..1."""
    warnings: tuple[str, ...]
    """What went wrong without stopping the analysis, one line each."""

    def speed_per_bar(self, tempo: float, n_bar: int) -> NDArray[np.float64]:
        """Motion speed of each bar of four beats at `tempo` BPM (Di et al. 2021, eq. 5).

        Returns
        -------
        (n_bar,) diagonals per second, always finite. A bar that reaches beyond the video is measured as
        far as the video goes.
        """
        borders = np.minimum(np.arange(n_bar + 1) * 240.0 / tempo, self.duration)
        return self.flow.mean_speed(borders)


def analyze(
    path: str | os.PathLike[str], progress: Callable[[float, float | None], object] | None = None
) -> VideoRhythm:
    """Measure a video's rhythm.

    The file is decoded once. Memory grows by a few hundred bytes for each second of video.

    Parameters
    ----------
    progress
        Called now and then with the seconds that are done and the seconds that there are, None if unknown.

    Raises
    ------
    VideoError
        If there is no video in the file, or none that could be used.
    """
    with Video(path) as video:
        cut_finder = CutFinder()
        meter: FlowMeter | None = None
        reported = -PROGRESS_STEP
        for time, picture in video.frames():
            meter = meter or FlowMeter(video.width, video.height)
            meter.take(time, picture)
            cut_finder.take(time, picture)
            if progress is not None and time - reported >= PROGRESS_STEP:
                progress(time, video.expected_duration)
                reported = time
        assert meter is not None  # a video without pictures has raised VideoError
        cuts = cut_finder.cuts()
        flow = meter.series(cuts)
        saliency = motion_saliency(flow, cuts)
        impacts = find_impacts(flow, saliency, cuts)
        tempo, confidence = visual_tempo(impacts, video.duration)
        if progress is not None:
            progress(video.duration, video.duration)
        return VideoRhythm(
            path=os.fspath(path),
            duration=video.duration,
            fps=float(video.frame_rate),
            n_frame=video.n_frame,
            width=video.width,
            height=video.height,
            flow=flow,
            saliency=saliency,
            visual_beats=choose_beats(impacts, tempo),
            cuts=cuts,
            tempo=tempo,
            tempo_confidence=confidence,
            warnings=video.warnings,
        )
