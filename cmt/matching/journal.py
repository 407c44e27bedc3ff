"""What a run of `cmt match` has found so far, kept line by line: a run that was cut short goes on from there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from cmt.machine.journal import Journal, read_journal
from cmt.matching.render import Rendered
from cmt.matching.rows import Match
from cmt.matching.score import VideoDemand
from cmt.planning.mood_asked import Stretch
from midi_io.song import POSITIONS_PER_BAR, Knot, Timeline


class MatchJournal(Journal):
    """What is done of a run, taken in from its journal and added to it; without a path it is only remembered."""

    def __init__(self, path: Path | None, fingerprint: str) -> None:
        super().__init__(path, fingerprint)
        self.demands: dict[int, VideoDemand | str] = {}
        self.rows: dict[int, tuple[list[Match], int]] = {}
        """The rows of each video and the number of pieces that it was held against, by the video's number."""
        self.films: dict[int, Rendered] = {}
        if path is not None:
            for line in read_journal(path, fingerprint):
                with suppress(
                    ValueError, KeyError, TypeError, AttributeError, OverflowError
                ):  # of a line that somebody changed
                    self._take_in(line)

    def keep_demand(self, number: int, demand: VideoDemand | str) -> None:
        """Record what a video asks, once it has been looked at."""
        self.demands[number] = demand
        self.write({"video": number, "demand": demand if isinstance(demand, str) else _packed(demand)})

    def keep_rows(self, number: int, rows: list[Match], n_piece: int) -> None:
        """Record a video's rows, once it has been held against the library."""
        self.rows[number] = rows, n_piece
        self.write({"video": number, "rows": [row._asdict() for row in rows], "pieces": n_piece})

    def keep_film(self, number: int, film: Rendered) -> None:
        """Record a video's film, or why it has none."""
        self.films[number] = film
        self.write({"video": number, "film": list(film)})

    def _take_in(self, line: dict[str, Any]) -> None:
        if "demand" in line:
            demand = line["demand"]
            self.demands[line["video"]] = demand if isinstance(demand, str) else _unpacked(demand)
        elif "rows" in line:
            self.rows[line["video"]] = [Match(**row) for row in line["rows"]], line["pieces"]
        elif "film" in line:
            self.films[line["video"]] = Rendered(*line["film"])


def _packed(demand: VideoDemand) -> dict[str, Any]:
    return {
        "density": demand.density.astype(int).tolist(),
        "strength": demand.strength.astype(int).ravel().tolist(),
        "first_bar": demand.first_bar,
        "knots": [list(knot) for knot in demand.timeline.knots],
        "length": demand.timeline.length,
        "moods": [list(stretch) for stretch in demand.moods],
    }


def _unpacked(packed: dict[str, Any]) -> VideoDemand:
    return VideoDemand(
        Timeline(tuple(Knot(*knot) for knot in packed["knots"]), packed["length"]),
        np.array(packed["density"], dtype=np.float32),
        np.array(packed["strength"], dtype=np.float32).reshape(-1, POSITIONS_PER_BAR),
        packed["first_bar"],
        tuple(Stretch(*stretch) for stretch in packed["moods"]),
    )
