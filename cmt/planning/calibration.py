"""What many videos and many songs are like: from a share of motion to a density and a strength."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from cmt.errors import CmtError
from midi_io.song import Instrument

CALM_PERCENTILE = 0.02
"""A still picture gets this percentile, the music of LPD's calmest bars, not silence."""


STRONGEST = 0.98
"""The strongest accent has this percentile; beyond it lie accidents of LPD's files, such as a bass of eight notes."""


@dataclass(frozen=True)
class Calibration:
    """Distributions over many videos and over LPD, from which percentiles are read."""

    speed_quantiles: tuple[float, ...]
    """The motion speed of bars of videos at evenly spaced quantiles, 0 to 1, in diagonals a second."""
    saliency_quantiles: tuple[float, ...]
    """The saliency of visual beats at evenly spaced quantiles, 0 to 1, in diagonals a second."""
    density_shares: tuple[tuple[float, ...], tuple[float, ...]]
    """The shares of the densities 0..16 among LPD's sounding bars: without drums, with drums."""
    strength_shares: tuple[tuple[float, ...], ...]
    """The shares of the strengths 0..16 among the simu-notes of each instrument."""

    def speed_percentile(self, speed: float) -> float:
        """The percentile, 0..1, of a bar's speed among those of all videos."""
        return _percentile(speed, self.speed_quantiles)

    def density_at(self, percentile: float, *, with_drums: bool) -> int:
        """The density of music's bars at a percentile, 1..16."""
        return _class_at(max(CALM_PERCENTILE, percentile), self.density_shares[with_drums])

    def percentile_of_density(self, density: int) -> float:
        """The middle of the percentiles at which music with drums has a density, 0..1; at most that of 16."""
        shares = np.array(self.density_shares[True])
        density = min(max(density, 1), len(shares) - 1)
        return float((shares[:density].sum() + shares[density] / 2) / shares.sum())

    def saliency_percentile(self, saliency: float) -> float:
        """The percentile, 0..1, of a visual beat's saliency among those of all videos."""
        return _percentile(saliency, self.saliency_quantiles)

    def strength_at(self, percentile: float, instrument: Instrument) -> int:
        """The strength of an instrument's simu-notes at a percentile, 1 or more."""
        return _class_at(min(percentile, STRONGEST), self.strength_shares[instrument])


def read_calibration(path: Path | None = None) -> Calibration:
    """The calibration in a JSON file, or the one that comes with the package.

    Raises
    ------
    CmtError
        If the file is missing or is no calibration.
    """
    path = Path(str(resources.files("cmt") / "assets" / "calibration.json")) if path is None else path
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Calibration(
            tuple(content["speed_quantiles"]),
            tuple(content["saliency_quantiles"]),
            (tuple(content["density_shares"]["without_drums"]), tuple(content["density_shares"]["with_drums"])),
            tuple(tuple(content["strength_shares"][instrument.label]) for instrument in Instrument),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CmtError(f"{path}: not a calibration ({error}); make one with data/calibrate.py") from None


def _percentile(value: float, quantiles: Sequence[float]) -> float:
    """The share of values below, by interpolation between evenly spaced quantiles."""
    grid = np.asarray(quantiles)
    return float(np.interp(value, grid, np.linspace(0.0, 1.0, len(grid))))


def _class_at(percentile: float, shares: Sequence[float]) -> int:
    """The smallest class, 1 or more, below or at which `percentile` of all lie."""
    cumulative = np.cumsum(shares) / np.sum(shares)
    return max(1, min(int(np.searchsorted(cumulative, percentile - 1e-9)), len(shares) - 1))
