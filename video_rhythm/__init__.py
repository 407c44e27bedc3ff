"""A video's rhythm: motion speed, motion saliency, visual beats, cuts, fades, tempo."""

from .analyze import VideoRhythm, analyze
from .beats import VisualBeat
from .errors import VideoError
from .fades import Fade, FadeKind
from .flow import FlowSeries
from .tempo import TempoFit, fit_tempo
from .thumbnails import Thumbnail

__all__ = [
    "Fade",
    "FadeKind",
    "FlowSeries",
    "TempoFit",
    "Thumbnail",
    "VideoError",
    "VideoRhythm",
    "VisualBeat",
    "analyze",
    "fit_tempo",
]
