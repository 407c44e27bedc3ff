"""What a run of `cmt match` has found so far, kept line by line: a run that was cut short goes on from there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from cmt.errors import CmtError
from cmt.matching.render import Rendered
from cmt.matching.rows import Match
from cmt.matching.score import VideoDemand
from midi_io.song import POSITIONS_PER_BAR, Knot, Timeline


class Journal:
    """A journal of what is done, a line of JSON for each step; without a path it is only remembered."""

    def __init__(self, path: Path | None, fingerprint: str) -> None:
        self.demands: dict[int, VideoDemand | str] = {}
        self.rows: dict[int, tuple[list[Match], int]] = {}
        """The rows of each video and the number of pieces that it was held against, by the video's number."""
        self.films: dict[int, Rendered] = {}
        self._path, self._fingerprint = path, fingerprint
        self._file: TextIO | None = None

    def __enter__(self) -> Journal:
        if self._path is not None:
            try:
                whole = self._read()
                self._file = open(self._path, "r+" if whole else "w", encoding="utf-8")
                if whole:
                    self._file.seek(whole)
                    self._file.truncate()  # the last line may be half written
                else:
                    self._write({"run": self._fingerprint})
            except OSError as error:
                raise CmtError(f"{self._path}: cannot be written ({error.strerror}); check the folder") from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def keep_demand(self, number: int, demand: VideoDemand | str) -> None:
        """Record what a video asks, once it has been looked at."""
        self.demands[number] = demand
        self._write({"video": number, "demand": demand if isinstance(demand, str) else _packed(demand)})

    def keep_rows(self, number: int, rows: list[Match], n_piece: int) -> None:
        """Record a video's rows, once it has been held against the library."""
        self.rows[number] = rows, n_piece
        self._write({"video": number, "rows": [row._asdict() for row in rows], "pieces": n_piece})

    def keep_film(self, number: int, film: Rendered) -> None:
        """Record a video's film, or why it has none."""
        self.films[number] = film
        self._write({"video": number, "film": list(film)})

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            try:
                self._file.write(json.dumps(line) + "\n")
                self._file.flush()
            except OSError as error:
                raise CmtError(
                    f"{self._path}: cannot be written ({error.strerror}); free some space and start again, "
                    "what is done is kept"
                ) from None

    def _read(self) -> int:
        """Take in the whole lines of an earlier run of the same; returns how many bytes they are."""
        assert self._path is not None
        if not self._path.exists():
            return 0
        n_byte = 0
        with open(self._path, "rb") as file:
            for text in file:
                try:
                    line = json.loads(text)
                    if n_byte == 0 and line["run"] != self._fingerprint:
                        return 0
                    if "demand" in line:
                        demand = line["demand"]
                        self.demands[line["video"]] = demand if isinstance(demand, str) else _unpacked(demand)
                    elif "rows" in line:
                        self.rows[line["video"]] = [Match(**row) for row in line["rows"]], line["pieces"]
                    elif "film" in line:
                        self.films[line["video"]] = Rendered(*line["film"])
                except (ValueError, KeyError, TypeError):
                    break
                if not text.endswith(b"\n"):
                    break
                n_byte += len(text)
        return n_byte


def _packed(demand: VideoDemand) -> dict[str, Any]:
    return {
        "density": demand.density.astype(int).tolist(),
        "strength": demand.strength.astype(int).ravel().tolist(),
        "first_bar": demand.first_bar,
        "knots": [list(knot) for knot in demand.timeline.knots],
        "length": demand.timeline.length,
    }


def _unpacked(packed: dict[str, Any]) -> VideoDemand:
    return VideoDemand(
        Timeline(tuple(Knot(*knot) for knot in packed["knots"]), packed["length"]),
        np.array(packed["density"], dtype=np.float32),
        np.array(packed["strength"], dtype=np.float32).reshape(-1, POSITIONS_PER_BAR),
        packed["first_bar"],
    )
