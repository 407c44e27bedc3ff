"""A video's rhythm: motion speed, motion saliency, visual beats, cuts, tempo."""

from .analyze import VideoRhythm, analyze
from .beats import VisualBeat
from .errors import VideoError
from .flow import FlowSeries
from .tempo import TempoFit, fit_tempo

__all__ = ["FlowSeries", "TempoFit", "VideoError", "VideoRhythm", "VisualBeat", "analyze", "fit_tempo"]
