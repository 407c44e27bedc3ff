"""A video's rhythm: motion speed, motion saliency, visual beats, cuts, fades, scenes, tempo."""

from cmt.errors import VideoError

from .analyze import VideoRhythm, analyze
from .beats import VisualBeat
from .fades import Fade, FadeKind
from .flow import FlowSeries
from .given import Frames, VideoSource
from .scenes import Scene, Sight
from .thumbnails import Thumbnail

__all__ = [
    "Fade",
    "FadeKind",
    "FlowSeries",
    "Frames",
    "Scene",
    "Sight",
    "Thumbnail",
    "VideoError",
    "VideoRhythm",
    "VideoSource",
    "VisualBeat",
    "analyze",
]
