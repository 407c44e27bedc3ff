"""What a comparison leaves: a table for the terminal, page, JSON and CSV; and beside them each set's own evaluation."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from html import escape
from pathlib import Path

from cmt.evaluation.compare import DIFFERENCE_DEFINITION, OUTSIDE_DEFINITION, Cell, Comparison, Line
from cmt.evaluation.files import write_evaluation
from cmt.evaluation.page import definitions, link, style, table
from cmt.evaluation.text import NOT_THERE, interval_text, number
from cmt.machine.cells import harmless
from cmt.machine.files import write_texts
from cmt.machine.plural import count
from cmt.metrics.catalogue import BY_NAME
from cmt.metrics.distribution import Interval

_LABEL, _CELL = 42, 27


def write_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """Write ``comparison.html``, ``.json`` and ``.csv`` into a folder, and each set's evaluation below it.

    Raises
    ------
    CmtError
        If they cannot be written.
    """
    contents = {
        "comparison.html": _page(comparison),
        "comparison.json": json.dumps(as_json(comparison), indent=1, ensure_ascii=False, allow_nan=False) + "\n",
        "comparison.csv": _csv(comparison),
    }
    files = write_texts(contents, folder)
    for name, evaluation in zip(comparison.names, comparison.evaluations, strict=True):
        write_evaluation(evaluation, folder / name)
    return [*files, *(folder / name / "evaluation.html" for name in comparison.names)]


def comparison_table(comparison: Comparison) -> Iterator[str]:
    """The lines of the terminal's table."""
    reference = comparison.evaluations[0].reference
    for name, evaluation in zip(comparison.names, comparison.evaluations, strict=True):
        failed = len(evaluation.pieces) - len(evaluation.measured)
        bad = sum(bool(piece.reasons) for piece in evaluation.measured)
        yield f"{name}: {count(len(evaluation.pieces), 'piece')}, {failed} could not be measured, {bad} degenerate"
    yield f"reference: {reference.name}, {reference.n_song} songs, {reference.length}"
    yield "mean [95 %]; ! its median lies outside 5 to 95 % of the reference's songs; * the interval leaves out 0"
    groups: dict[str, list[Line]] = {}
    for line in comparison.lines:
        groups.setdefault(BY_NAME[line.name].group, []).append(line)
    first, *others = comparison.names
    for group, lines in groups.items():
        columns = [first, *(part for name in others for part in (name, f"{name} - {first}"))]
        yield ""
        yield f"{group:{_LABEL}}{''.join(f'{_short(name):{_CELL}}' for name in columns)}5 to 95 %".rstrip()
        for line in lines:
            yield _line_text(line)


def _short(name: str) -> str:
    return name if len(name) < _CELL else f"{name[: _CELL - 5]}..."


def _line_text(line: Line) -> str:
    cells = []
    for cell in line.cells:
        cells.append(_mean(cell))
        if cell.difference is not None:
            cells.append(interval_text(cell.difference) + (" *" if cell.differs else ""))
    low, _, high = line.reference
    spread = "" if math.isnan(low) else f"{number(low)} to {number(high)}"
    text = "".join(f"{text:{_CELL}}" for text in cells)
    return f"  {BY_NAME[line.name].label:{_LABEL - 2}}{text}{spread}".rstrip()


def _mean(cell: Cell) -> str:
    if cell.row is None:
        return NOT_THERE
    return interval_text(cell.row.interval) + (" !" if cell.is_outside else "")


def as_json(comparison: Comparison) -> dict[str, object]:
    """Everything that is compared, with null where a number is not defined."""
    reference = comparison.evaluations[0].reference
    return {
        "sets": [
            {"name": name, "n_piece": len(its.pieces), "n_measured": len(its.measured)}
            for name, its in zip(comparison.names, comparison.evaluations, strict=True)
        ],
        "reference": {"name": reference.name, "songs": reference.n_song, "bars": reference.n_bar},
        "metrics": {line.name: _line_json(line, comparison.names) for line in comparison.lines},
        "definitions": {"difference": DIFFERENCE_DEFINITION, "outside": OUTSIDE_DEFINITION},
    }


def _line_json(line: Line, names: tuple[str, ...]) -> dict[str, object]:
    low, median, high = line.reference
    content: dict[str, object] = {
        "reference": {"percentile_5": _finite(low), "median": _finite(median), "percentile_95": _finite(high)}
    }
    for name, cell in zip(names, line.cells, strict=True):
        content[name] = {
            **_interval_json(None if cell.row is None else cell.row.interval),
            "median": _finite(cell.median),
            "outside": cell.is_outside,
            "difference": None if cell.difference is None else _interval_json(cell.difference),
        }
    return {"sets": {name: content.pop(name) for name in names}, **content}


def _interval_json(interval: Interval | None) -> dict[str, object]:
    if interval is None:
        return {"mean": None, "low": None, "high": None, "n": 0}
    return {key: _finite(value) for key, value in interval._asdict().items()}


def _finite(value: float) -> float | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _csv(comparison: Comparison) -> str:
    """A line for each metric and set."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            *("metric", "group", "set", "mean", "low", "high", "n", "median", "outside"),
            *("difference", "difference_low", "difference_high", "reference_5", "reference_median", "reference_95"),
        ]
    )
    nowhere = Interval(math.nan, math.nan, math.nan, 0)
    for line in comparison.lines:
        for name, cell in zip(comparison.names, line.cells, strict=True):
            its = nowhere if cell.row is None else cell.row.interval
            difference = cell.difference or nowhere
            numbers = [*its, cell.median, int(cell.is_outside), *difference[:3], *line.reference]
            shown = ["" if isinstance(n, float) and math.isnan(n) else repr(n) for n in numbers]
            writer.writerow([harmless(line.name), BY_NAME[line.name].group, harmless(name), *shown])
    return text.getvalue()


def _page(comparison: Comparison) -> str:
    first, *others = comparison.names
    head = ["metric", escape(first)]
    for name in others:
        head += [escape(name), f"{escape(name)} &minus; {escape(first)}"]
    head.append("reference: median (5 to 95 %)")
    groups: dict[str, list[list[str]]] = {}
    for line in comparison.lines:
        cells = [link(line.name)]
        for cell in line.cells:
            text = escape(_mean(cell))
            cells.append(f"<span class='bad'>{text}</span>" if cell.is_outside else text)
            if cell.difference is not None:
                text = interval_text(cell.difference)
                cells.append(f"<b>{text} *</b>" if cell.differs else text)
        low, median, high = line.reference
        cells.append(NOT_THERE if math.isnan(low) else f"{number(median)} ({number(low)} to {number(high)})")
        groups.setdefault(BY_NAME[line.name].group, []).append(cells)
    tables = "".join(f"<h2>{group.capitalize()}</h2>{table(head, rows)}" for group, rows in groups.items())
    reference = comparison.evaluations[0].reference
    sets = "".join(
        f"<li><a href='{escape(name, quote=True)}/evaluation.html'>{escape(name)}</a>: "
        f"{count(len(its.pieces), 'piece')}, {len(its.measured)} measured</li>"
        for name, its in zip(comparison.names, comparison.evaluations, strict=True)
    )
    title = escape(" and ".join(comparison.names))
    return (
        "<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        f"<meta name='color-scheme' content='light dark'>\n<title>{title} compared</title>\n{style()}\n</head>\n"
        f"<body>\n<main>\n<h1>{title} compared</h1>\n<ul>{sets}</ul>\n"
        f"<p>Held against {escape(reference.name)}: {reference.n_song} songs, {escape(reference.length)}. Means and "
        f"<a href='#def-interval'>intervals</a>.</p>\n<p class='remark'>{escape(DIFFERENCE_DEFINITION)}</p>\n"
        f"<p class='remark'>{escape(OUTSIDE_DEFINITION)}</p>\n{tables}\n<h2>Definitions</h2>\n{definitions()}\n"
        "</main>\n</body>\n</html>\n"
    )
