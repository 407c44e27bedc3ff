"""The page of an evaluation: one HTML file that loads nothing, with its plots drawn in it.

Every label of a number is a link to the number's definition at the foot of the page.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from html import escape
from importlib import resources
from pathlib import PurePath
from string import Template

from cmt.evaluation.evaluate import Evaluation, Row
from cmt.evaluation.piece import Piece
from cmt.evaluation.text import NOT_THERE, interval_text, number
from cmt.machine.plural import count
from cmt.metrics.catalogue import BY_NAME, CATALOGUE, CHANCE_DEFINITION, INTERVAL_DEFINITION

MAX_DETAILS = 200
"""At most this many pieces get a section of their own; the rest are rows of the table."""
MAX_BARS = 400
"""At most this many bars of a piece are drawn."""
_WIDTH, _HEIGHT, _MARGIN = 240, 30, 8


def page_of(evaluation: Evaluation) -> str:
    """The page's HTML."""
    template = Template(_template())
    reference = evaluation.reference
    n, n_measured = len(evaluation.pieces), len(evaluation.measured)
    return template.substitute(
        n_piece=count(n, "piece"),
        failed="" if n == n_measured else f"{n - n_measured} of them could not be measured. ",
        reference=escape(f"{reference.name}: {reference.n_song} songs, {reference.length}"),
        reference_notes="".join(f"<p class='remark'>{escape(note)}</p>" for note in reference.notes[:20]),
        verdict=_verdict(evaluation),
        music=_music(evaluation),
        sets=_sets(evaluation),
        control=_control(evaluation),
        synchrony=_synchrony(evaluation),
        pieces=_pieces(evaluation),
        details="".join(_details(*piece) for piece in _with_names(evaluation.pieces)),
        definitions=definitions(),
        seed=evaluation.seed,
    )


def _template() -> str:
    return (resources.files("cmt") / "assets" / "evaluation.html").read_text(encoding="utf-8")


def style() -> str:
    """The style element of the page."""
    begin, end = _template().index("<style>"), _template().index("</style>")
    return f"{_template()[begin:end]}</style>"


def link(name: str) -> str:
    """A metric's label, as a link to its definition on the page."""
    metric = BY_NAME[name]
    return f"<a href='#def-{name}' title='{escape(metric.definition, quote=True)}'>{escape(metric.label)}</a>"


def table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already; the last cell of a short row fills the rest."""
    columns = list(head)
    header = "".join(f"<th>{cell}</th>" for cell in columns)
    body = "".join(f"<tr>{_cells(row, len(columns))}</tr>" for row in rows)
    return f"<div class='wide'><table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table></div>"


def _cells(row: Sequence[str], n_column: int) -> str:
    """A row's cells; the last one of a short row fills the rest."""
    cells = [f"<td>{cell}</td>" for cell in row]
    if len(row) < n_column:
        cells[-1] = f"<td colspan='{n_column - len(row) + 1}'>{row[-1]}</td>"
    return "".join(cells)


def _rows_of(evaluation: Evaluation, group: str) -> list[Row]:
    return [row for row in evaluation.rows if BY_NAME[row.name].group == group]


def _n(row: Row) -> str:
    """The sample size, and on asking why it is not all pieces."""
    if not row.undefined:
        return str(row.interval.n)
    reasons = "".join(f"<li>{n} × {escape(reason)}</li>" for reason, n in row.undefined.items())
    return f"<details class='why'><summary>{row.interval.n}</summary><ul>{reasons}</ul></details>"


def _verdict(evaluation: Evaluation) -> str:
    degenerate = [piece for piece in evaluation.measured if piece.reasons]
    text = f"{len(degenerate)} of {len(evaluation.measured)} takes are <a href='#def-degenerate'>degenerate</a>."
    items = "".join(f"<li>{escape(p.midi)}: {escape('; '.join(p.reasons))}</li>" for p in degenerate[:50])
    return f"<p>{text}</p><ul>{items}</ul>" if items else f"<p>{text}</p>"


def _music(evaluation: Evaluation) -> str:
    rows = []
    for row in _rows_of(evaluation, "music"):
        distribution = evaluation.reference.distributions.get(row.name)
        reference = NOT_THERE
        if distribution is not None:
            low, high = distribution.middle_90
            reference = f"{number(distribution.median)} <span class='range'>({number(low)} to {number(high)})</span>"
        values = _values(evaluation, row.name)
        rows.append(
            (
                *(link(row.name), interval_text(row.interval), _n(row), reference, str(row.n_reference)),
                _strip(row, values, distribution.quantiles if distribution else ()),
            )
        )
    head = ("metric", "pieces: mean [95 %]", "n", "reference: median (5 to 95 %)", "n", "pieces over the reference")
    return table(head, rows)


def _values(evaluation: Evaluation, name: str) -> list[float]:
    found = [piece.values[name].value for piece in evaluation.measured if name in piece.values]
    return [value for value in found if not math.isnan(value)]


def _scale(low: float, high: float) -> Callable[[float], float]:
    """A function from values to x coordinates."""
    span = high - low or 1.0
    return lambda value: _MARGIN + (value - low) / span * (_WIDTH - 2 * _MARGIN)


def _svg(content: str, label: str, width: int = _WIDTH, height: int = _HEIGHT, css: str = "strip") -> str:
    box = f"viewBox='0 0 {width} {height}' class='{css}' role='img' aria-label='{escape(label, quote=True)}'"
    return f"<svg {box}>{content}</svg>"


def _strip(row: Row, values: Sequence[float], quantiles: Sequence[float]) -> str:
    """The reference's spread as bands, each piece as a dot, their mean with its interval on top."""
    marks = list(values)
    if quantiles:
        marks += [quantiles[1], quantiles[19]]  # the 5th and the 95th percentile
    if not marks:
        return ""
    low, high = min(marks), max(marks)
    x = _scale(low, high)
    parts = []
    if quantiles:
        for a, b, css in ((1, 19, "band"), (5, 15, "core")):
            left, right = x(quantiles[a]), x(quantiles[b])
            parts.append(f"<rect class='{css}' x='{left:.1f}' y='6' width='{max(1, right - left):.1f}' height='12'/>")
        middle = x(quantiles[10])
        parts.append(f"<line class='median' x1='{middle:.1f}' y1='4' x2='{middle:.1f}' y2='20'/>")
    parts += [f"<circle class='dot' cx='{x(value):.1f}' cy='12' r='3'/>" for value in values[:500]]
    parts.append(_mean_mark(row, x))
    parts.append(_ends(low, high))
    return _svg("".join(parts), f"{BY_NAME[row.name].label}: pieces over the reference", height=_HEIGHT + 6)


def _mean_mark(row: Row, x: Callable[[float], float]) -> str:
    interval = row.interval
    if math.isnan(interval.mean):
        return ""
    mark = f"<path class='mean' d='M{x(interval.mean):.1f} 18l4 5l-4 5l-4 -5z'/>"
    if math.isnan(interval.low):
        return mark
    ends = f"x1='{x(interval.low):.1f}' y1='23' x2='{x(interval.high):.1f}' y2='23'"
    return f"<line class='interval' {ends}/>{mark}"


def _ends(low: float, high: float) -> str:
    left = f"<text x='{_MARGIN}' y='35'>{low:.3g}</text>"
    return left + f"<text x='{_WIDTH - _MARGIN}' y='35' text-anchor='end'>{high:.3g}</text>"


def _sets(evaluation: Evaluation) -> str:
    label = link("frechet_distance")
    if evaluation.frechet_reason:
        frechet = f"<p>{label}: {escape(evaluation.frechet_reason)}.</p>"
    else:
        level = f"as many songs of the reference score {number(evaluation.frechet_of_reference)} against the rest of it"
        frechet = f"<p>{label}: <b>{number(evaluation.frechet)}</b>; {level}.</p>"
    if evaluation.comparison_reason:
        return f"<p>{link('overlapping_area')}: {escape(evaluation.comparison_reason)}.</p>{frechet}"
    rows = [
        (
            escape(name.replace("_", " ")),
            interval_text(compared.overlapping_area),
            _bar(compared.overlapping_area.mean),
            interval_text(compared.divergence),
            f"{compared.n_set} and {compared.n_reference}",
        )
        for name, compared in evaluation.comparison.items()
    ]
    head = ("feature", link("overlapping_area"), "", link("divergence"), "songs")
    return table(head, rows) + frechet


def _bar(share: float) -> str:
    width = max(0.0, min(1.0, share)) * 120
    content = "<rect class='band' x='0' y='3' width='120' height='8'/>"
    return _svg(f"{content}<rect class='fill' x='0' y='3' width='{width:.1f}' height='8'/>", "", 120, 14, "bar")


def _control(evaluation: Evaluation) -> str:
    rows = [
        (link(row.name), interval_text(row.interval), _n(row), _good(row)) for row in _rows_of(evaluation, "control")
    ]
    if not rows:
        return "<p>No report (clip.json, as cmt generate writes it) lies beside the MIDI files: nothing was asked.</p>"
    validation = evaluation.classifier.cross_validation
    text = (
        f"The genre classifier is right on {number(validation.accuracy)} of {validation.excerpts} excerpts of "
        f"{validation.songs} real songs that it had not learnt from (mean of the genres "
        f"{number(validation.balanced_accuracy)}; chance {number(evaluation.classifier.chance)}): "
        "no more is to be expected of any music."
    )
    return table(("metric", "mean [95 %]", "n", "good"), rows) + f"<p class='remark'>{text}</p>"


def _good(row: Row) -> str:
    return {"low": "low", "high": "high"}.get(BY_NAME[row.name].good, "")


def _synchrony(evaluation: Evaluation) -> str:
    rows = _rows_of(evaluation, "synchrony")
    if not rows:
        return "<p>No video was given: nothing to be in time with.</p>"
    cells = []
    for row in rows:
        scores = [piece.chances[row.name] for piece in evaluation.measured if row.name in piece.chances]
        if row.above_chance is None:
            cells.append((link(row.name), NOT_THERE, _n(row), NOT_THERE, NOT_THERE, NOT_THERE, ""))
            continue
        band = (
            sum(score.low for score in scores) / len(scores),
            row.chance,
            sum(score.high for score in scores) / len(scores),
        )
        significant = f"{row.n_significant} of {len(scores)}"
        chance = f"<a href='#def-chance'>{number(row.chance)}</a>"
        cells.append(
            (
                *(link(row.name), interval_text(row.interval), _n(row), chance),
                *(f"<b>{interval_text(row.above_chance)}</b>", significant),
                _chance_strip(row, [score.score for score in scores], band),
            )
        )
    head = ("metric", "score: mean [95 %]", "n", "chance", "above chance [95 %]", "p &lt; 0.05")
    return table((*head, "scores over the band of chance"), cells)


def _chance_strip(row: Row, values: Sequence[float], band: tuple[float, float, float]) -> str:
    low, high = min(0.0, band[0], *values), max(1.0, band[2], *values)
    x = _scale(low, high)
    width = max(1.0, x(band[2]) - x(band[0]))
    parts = [
        f"<rect class='chance' x='{x(band[0]):.1f}' y='6' width='{width:.1f}' height='12'/>",
        f"<line class='chance-line' x1='{x(band[1]):.1f}' y1='4' x2='{x(band[1]):.1f}' y2='20'/>",
    ]
    parts += [f"<circle class='dot' cx='{x(value):.1f}' cy='12' r='3'/>" for value in values[:500]]
    parts += [_mean_mark(row, x), _ends(low, high)]
    return _svg("".join(parts), f"{BY_NAME[row.name].label}: scores over the band of chance", height=_HEIGHT + 6)


def _pieces(evaluation: Evaluation) -> str:
    rows: list[Sequence[str]] = []
    names = _names(evaluation.pieces)
    for i, piece in enumerate(evaluation.pieces):
        name = escape(names[i])
        name = f"<a href='#piece-{i}'>{name}</a>" if i < MAX_DETAILS else name
        if piece.failure:
            rows.append((name, f"<span class='bad'>not measured: {escape(piece.failure)}</span>"))
            continue
        above = [score.above_chance for score in piece.chances.values() if not math.isnan(score.above_chance)]
        heard = piece.genre_heard or NOT_THERE
        rows.append(
            (
                name,
                escape(PurePath(piece.video).name) if piece.video else NOT_THERE,
                f"{piece.n_bar} bars, {piece.seconds:.1f} s, {piece.tempo:.1f} BPM",
                str(piece.n_note),
                escape(f"{heard}, asked {piece.genre_asked}" if piece.genre_asked else heard),
                number(sum(above) / len(above)) if above else NOT_THERE,
                f"<span class='bad'>{escape('; '.join(piece.reasons))}</span>" if piece.reasons else "sound",
            )
        )
    head = ("piece", "video", "length", "notes", "<a href='#def-genre_hit'>genre heard</a>")
    return table((*head, "above chance, mean", "<a href='#def-degenerate'>take</a>"), rows)


def _names(pieces: Sequence[Piece]) -> list[str]:
    """Each piece's file name, with its folder where two are the same."""
    paths = [PurePath(piece.midi) for piece in pieces]
    often = Counter(path.name for path in paths)
    return [path.name if often[path.name] == 1 else f"{path.parent.name}/{path.name}" for path in paths]


def _with_names(pieces: Sequence[Piece]) -> list[tuple[int, str, Piece]]:
    """The first pieces with their numbers and names."""
    return [(i, name, piece) for i, (name, piece) in enumerate(zip(_names(pieces), pieces, strict=True))][:MAX_DETAILS]


def _details(i: int, name: str, piece: Piece) -> str:
    title = f"<summary id='piece-{i}'>{escape(name)}</summary>"
    if piece.failure:
        return f"<details class='piece'>{title}<p class='bad'>{escape(piece.failure)}</p></details>"
    remarks = "".join(f"<p class='remark'>{escape(note)}</p>" for note in piece.notes)
    rows = []
    for metric, measurement in piece.values.items():
        score = piece.chances.get(metric)
        more = escape(measurement.reason)
        if score is not None:
            more = (
                f"chance {number(score.chance)} ({number(score.low)} to {number(score.high)}), above chance "
                f"{number(score.above_chance)}, p = {number(score.p_value)}; {score.n_picture} events of the picture, "
                f"{score.n_music} of the music"
            )
            if metric == "motion_correlation" and piece.lag is not None:
                more += f"; best at a lag of {count(piece.lag, 'bar')}"
        rows.append((link(metric), number(measurement.value), more))
    values = table(("metric", "value", ""), rows)
    return f"<details class='piece'>{title}{remarks}{_curves(piece)}{values}</details>"


def _curves(piece: Piece) -> str:
    """Density of each bar as a column, what was asked as a mark, the motion as a line."""
    density = piece.curves.density[:MAX_BARS]
    if not density:
        return ""
    step = max(4.0, min(24.0, 640 / len(density)))
    width, height = int(step * len(density)) + 44, 120
    base, top = 96, 12

    def y(positions: float) -> float:
        return base - positions / 16 * (base - top)

    parts = [f"<line class='grid' x1='28' y1='{y(n):.1f}' x2='{width - 12}' y2='{y(n):.1f}'/>" for n in (0, 8, 16)]
    parts += [f"<text x='22' y='{y(n) + 3:.1f}' text-anchor='end'>{n}</text>" for n in (0, 8, 16)]
    for bar, n in enumerate(density):
        x = 30 + bar * step
        parts.append(
            f"<rect class='fill' x='{x:.1f}' y='{y(n):.1f}' width='{step - 1.5:.1f}' height='{base - y(n):.1f}'/>"
        )
        asked = piece.curves.asked[bar] if bar < len(piece.curves.asked) else None
        if asked is not None:
            ends = f"x1='{x - 0.5:.1f}' y1='{y(asked):.1f}' x2='{x + step - 1:.1f}' y2='{y(asked):.1f}'"
            parts.append(f"<line class='asked' {ends}/>")
    speed = piece.curves.speed[:MAX_BARS]
    fastest = max(speed, default=0.0)
    if fastest > 0:
        points = " ".join(f"{30 + (i + 0.45) * step:.1f},{y(16 * v / fastest):.1f}" for i, v in enumerate(speed))
        parts.append(f"<polyline class='motion' points='{points}'/>")
    parts.append(f"<text x='28' y='{base + 16}'>bar 1</text>")
    if len(density) > 4:
        parts.append(f"<text x='{width - 14}' y='{base + 16}' text-anchor='end'>{len(density)}</text>")
    key = "<span class='key fill'></span>density <span class='key asked'></span>asked"
    key += " <span class='key motion'></span>motion, of its largest" if fastest > 0 else ""
    svg = _svg("".join(parts), "density by bar", width, height, "curve")
    return (
        f"<div class='wide'>{svg.replace('<svg ', f'<svg style=width:{width}px ', 1)}</div><p class='remark'>{key}</p>"
    )


def definitions() -> str:
    """The list of all definitions, each with the place that `link` leads to."""
    entries = [
        f"<dt id='def-{metric.name}'>{escape(metric.label)} <span class='range'>{escape(metric.unit)}</span></dt>"
        f"<dd>{escape(metric.definition)} <span class='range'>{escape(metric.source)}</span></dd>"
        for metric in CATALOGUE
    ]
    entries.append(f"<dt id='def-chance'>chance, above chance, p</dt><dd>{escape(CHANCE_DEFINITION)}</dd>")
    entries.append(f"<dt id='def-interval'>mean, interval, n</dt><dd>{escape(INTERVAL_DEFINITION)}</dd>")
    return f"<dl>{''.join(entries)}</dl>"
