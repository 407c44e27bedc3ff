"""A video's rhythm: motion speed, motion saliency, visual beats, cuts, fades, tempo."""

from cmt.errors import VideoError

from .analyze import VideoRhythm, analyze
from .beats import VisualBeat
from .fades import Fade, FadeKind
from .flow import FlowSeries
from .thumbnails import Thumbnail

__all__ = [
    "Fade",
    "FadeKind",
    "FlowSeries",
    "Thumbnail",
    "VideoError",
    "VideoRhythm",
    "VisualBeat",
    "analyze",
]
