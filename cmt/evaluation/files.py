"""What an evaluation leaves: a table for the terminal, JSON, CSV. The page is in `evaluate_page`.

All print a number by `number`, so that they agree to the last digit.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cmt.evaluation.evaluate import Evaluation, Row
from cmt.evaluation.page import page_of
from cmt.evaluation.piece import Piece
from cmt.evaluation.text import NOT_THERE, interval_text, number
from cmt.machine.cells import harmless
from cmt.machine.files import write_texts
from cmt.metrics.catalogue import BY_NAME, CHANCE_DEFINITION, INTERVAL_DEFINITION
from cmt.metrics.distribution import Interval

_LABEL, _MEAN = 44, 30


def write_evaluation(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write ``evaluation.html``, ``evaluation.json``, ``summary.csv`` and ``pieces.csv`` into a folder.

    Raises
    ------
    CmtError
        If they cannot be written.
    """
    contents = {
        "evaluation.html": page_of(evaluation),
        "evaluation.json": json.dumps(as_json(evaluation), indent=1, ensure_ascii=False, allow_nan=False) + "\n",
        "summary.csv": _summary_csv(evaluation),
        "pieces.csv": _pieces_csv(evaluation),
    }
    return write_texts(contents, folder)


def table_of(evaluation: Evaluation) -> Iterator[str]:
    """The lines of the terminal's table."""
    reference = evaluation.reference
    n, n_failed = len(evaluation.pieces), len(evaluation.pieces) - len(evaluation.measured)
    yield f"{n} pieces, {n_failed} of them could not be measured; mean and 95 % interval over those that a metric fits"
    yield f"reference: {reference.name}, {reference.n_song} songs, {reference.length}"
    yield from _block(evaluation, "music", "reference: median (5 to 95 %)")
    yield from _block(evaluation, "control", "")
    yield from _block(evaluation, "synchrony", "chance   above chance                   p < 0.05")
    yield ""
    yield f"{'against the reference':{_LABEL}}{'overlapping area [95 %]':{_MEAN}}divergence [95 %]"
    if evaluation.comparison_reason:
        yield f"  {evaluation.comparison_reason}"
    else:
        for name, compared in evaluation.comparison.items():
            area, divergence = interval_text(compared.overlapping_area), interval_text(compared.divergence)
            yield f"  {name.replace('_', ' '):{_LABEL - 2}}{area:{_MEAN}}{divergence}"
    level = "" if evaluation.frechet_reason else f"(as many real songs: {number(evaluation.frechet_of_reference)})"
    label = BY_NAME["frechet_distance"].label
    yield f"  {label:{_LABEL - 2}}{number(evaluation.frechet):8}{level}{evaluation.frechet_reason}"
    degenerate = [piece for piece in evaluation.measured if piece.reasons]
    yield ""
    yield f"{len(degenerate)} of {len(evaluation.measured)} takes are degenerate"
    for piece in degenerate:
        yield f"  {piece.midi}: {'; '.join(piece.reasons)}"
    for piece in evaluation.pieces:
        if piece.failure:
            yield f"  not measured: {piece.failure}"


def _block(evaluation: Evaluation, group: str, more: str) -> Iterator[str]:
    rows = [row for row in evaluation.rows if BY_NAME[row.name].group == group]
    if not rows:
        return
    yield ""
    yield f"{group:{_LABEL}}{'mean [95 %]':{_MEAN}}{'n':>4}  {more}".rstrip()
    for row in rows:
        yield f"  {_row_text(row, group)}".rstrip()


def _row_text(row: Row, group: str) -> str:
    label = BY_NAME[row.name].label
    text = f"{label:{_LABEL - 2}}{interval_text(row.interval):{_MEAN}}{row.interval.n:4}  "
    if group == "music" and row.n_reference:
        median, low, high = map(number, (row.reference_median, row.reference_low, row.reference_high))
        text += f"{median} ({low} to {high})"
    elif group == "synchrony" and row.above_chance is not None:
        text += f"{number(row.chance):9}{interval_text(row.above_chance):31}{row.n_significant} of {row.interval.n}"
    elif row.undefined and not row.interval.n:
        text += max(row.undefined, key=lambda reason: row.undefined[reason])
    return text


def as_json(evaluation: Evaluation) -> dict[str, object]:
    """Everything, with null where a number is not defined."""
    reference = evaluation.reference
    return {
        "seed": evaluation.seed,
        "n_piece": len(evaluation.pieces),
        "n_measured": len(evaluation.measured),
        "reference": {
            "name": reference.name,
            "songs": reference.n_song,
            "bars": reference.n_bar,
            "notes": list(reference.notes),
        },
        "summary": {row.name: _row_json(row) for row in evaluation.rows},
        "distributions": {
            "reason": evaluation.comparison_reason,
            "features": {
                name: {
                    "overlapping_area": _interval_json(compared.overlapping_area),
                    "divergence": _interval_json(compared.divergence),
                    "n_set": compared.n_set,
                    "n_reference": compared.n_reference,
                }
                for name, compared in evaluation.comparison.items()
            },
            "frechet_distance": _finite(evaluation.frechet),
            "frechet_distance_of_reference": _finite(evaluation.frechet_of_reference),
            "frechet_reason": evaluation.frechet_reason,
        },
        "genre_classifier": asdict(evaluation.classifier),
        "pieces": [_piece_json(piece) for piece in evaluation.pieces],
        "definitions": {
            **{metric.name: f"{metric.label} ({metric.unit}). {metric.definition}" for metric in BY_NAME.values()},
            "chance": CHANCE_DEFINITION,
            "interval": INTERVAL_DEFINITION,
        },
    }


def _row_json(row: Row) -> dict[str, object]:
    content: dict[str, object] = {**_interval_json(row.interval), "undefined": row.undefined}
    if row.above_chance is not None:
        content["chance"] = _finite(row.chance)
        content["above_chance"] = _interval_json(row.above_chance)
        content["n_significant"] = row.n_significant
    if row.n_reference:
        content["reference"] = {
            "n": row.n_reference,
            "median": row.reference_median,
            "percentile_5": row.reference_low,
            "percentile_95": row.reference_high,
        }
    return content


def _interval_json(interval: Interval) -> dict[str, object]:
    return {key: _finite(value) for key, value in interval._asdict().items()}


def _piece_json(piece: Piece) -> dict[str, object]:
    if piece.failure:
        return {"midi": piece.midi, "video": piece.video, "failure": piece.failure}
    return {
        "midi": piece.midi,
        "video": piece.video,
        "failure": None,
        "tempo": piece.tempo,
        "seconds": piece.seconds,
        "bars": piece.n_bar,
        "notes": piece.n_note,
        "values": {name: _finite(m.value) for name, m in piece.values.items()},
        "undefined": {name: m.reason for name, m in piece.values.items() if math.isnan(m.value)},
        "chance": {
            # Only what is defined is here: the reason is empty.
            name: {key: _finite(value) for key, value in score._asdict().items() if key != "reason"}
            for name, score in piece.chances.items()
        },
        "motion_lag_bars": piece.lag,
        "degenerate": list(piece.reasons),
        "genre_asked": piece.genre_asked,
        "genre_heard": piece.genre_heard,
        "remarks": list(piece.notes),
        "density_by_bar": list(piece.curves.density),
        "density_asked_by_bar": list(piece.curves.asked),
        "speed_by_bar": list(piece.curves.speed),
    }


def _finite(value: float | int) -> float | int | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _summary_csv(evaluation: Evaluation) -> str:
    columns = [
        *("metric", "group", "mean", "low", "high", "n"),
        *("chance", "above_chance", "above_low", "above_high", "n_significant"),
        *("reference_n", "reference_median", "reference_5", "reference_95"),
    ]
    lines = []
    for row in evaluation.rows:
        above = row.above_chance
        line: list[Any] = [row.name, BY_NAME[row.name].group, *row.interval[:3], row.interval.n, row.chance]
        line += [*above[:3], row.n_significant] if above is not None else [NOT_THERE] * 4
        line += [row.n_reference, row.reference_median, row.reference_low, row.reference_high]
        lines.append(line)
    return _csv(columns, lines)


def _pieces_csv(evaluation: Evaluation) -> str:
    names = [row.name for row in evaluation.rows]
    with_chance = [row.name for row in evaluation.rows if row.above_chance is not None]
    columns = ["midi", "video", "failure", "tempo", "seconds", "bars", "notes", "degenerate", "genre_heard", *names]
    columns += [f"{name}.{part}" for name in with_chance for part in ("chance", "above_chance", "p_value")]
    lines = []
    for piece in evaluation.pieces:
        line: list[Any] = [piece.midi, piece.video or "", piece.failure]
        if not piece.failure:
            line += [piece.tempo, piece.seconds, piece.n_bar, piece.n_note, "; ".join(piece.reasons)]
            line.append(piece.genre_heard or "")
            line += [piece.values[name].value if name in piece.values else NOT_THERE for name in names]
            for name in with_chance:
                score = piece.chances.get(name)
                line += [score.chance, score.above_chance, score.p_value] if score else [NOT_THERE] * 3
        lines.append(line + [""] * (len(columns) - len(line)))
    return _csv(columns, lines)


def _csv(columns: Any, lines: list[list[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for line in lines:
        writer.writerow(["" if isinstance(cell, float) and math.isnan(cell) else _cell(cell) for cell in line])
    return text.getvalue()


def _cell(cell: Any) -> Any:
    return "" if cell == NOT_THERE else repr(cell) if isinstance(cell, float) else harmless(cell)
