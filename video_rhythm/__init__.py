"""A video's rhythm: motion speed, motion saliency, visual beats, cuts, fades, tempo."""

from cmt.errors import VideoError

from .analyze import VideoRhythm, analyze
from .beats import VisualBeat
from .fades import Fade, FadeKind
from .flow import FlowSeries
from .grid import Agreement, Grid, GridKnot, Hit, agreement, fit_grid
from .tempo_map import bend_grid
from .thumbnails import Thumbnail

__all__ = [
    "Agreement",
    "Fade",
    "FadeKind",
    "FlowSeries",
    "Grid",
    "GridKnot",
    "Hit",
    "Thumbnail",
    "VideoError",
    "VideoRhythm",
    "VisualBeat",
    "agreement",
    "analyze",
    "bend_grid",
    "fit_grid",
]
