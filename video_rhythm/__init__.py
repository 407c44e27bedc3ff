"""A video's rhythm: motion speed, motion saliency, visual beats, cuts, tempo."""

from .analyze import VideoRhythm, analyze
from .beats import VisualBeat
from .errors import VideoError
from .flow import FlowSeries
from .grid import Agreement, Grid, GridKnot, Hit, agreement, fit_grid
from .tempo_map import bend_grid

__all__ = [
    "Agreement",
    "FlowSeries",
    "Grid",
    "GridKnot",
    "Hit",
    "VideoError",
    "VideoRhythm",
    "VisualBeat",
    "agreement",
    "analyze",
    "bend_grid",
    "fit_grid",
]
