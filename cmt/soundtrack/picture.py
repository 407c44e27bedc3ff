"""Pictures on one time axis: the video's rhythm above, the music below (the paper's figure 2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from cmt.music.chords import HALVES_PER_BAR, names_of
from cmt.music.colours import COLOURS
from cmt.music.key import Key
from cmt.music.lead_sheet import LETTERS, UNKNOWN, LeadSheet
from cmt.planning.mutes import Mute
from cmt.planning.plan import Plan
from cmt.report.speech import Speech
from cmt.soundtrack.lettering import write_title
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song

if TYPE_CHECKING:
    from video_rhythm import VideoRhythm

Thing = TypeVar("Thing")

FORMATS = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".webp")
"""The suffixes of pictures that can be drawn."""
_SPEED, _BEAT, _CUT, _FADE = "#30638e", "#d95f02", "#111111", "#6a4c93"
_SALIENCY, _GRID, _ENERGY = "#8c8c8c", "#bbbbbb", "#9c2542"
_SPEECH, _GAIN = "#e0a030", "#1b4965"
_SECTIONS = ("#cfe3f2", "#f7dcc4", "#d5ead0", "#e8d5ec", "#f5e9b8", "#d9dde3", "#f3cfd4", "#cdeae6")
_CHORD_ROOM = 0.02
"""Chords' names stand at least this share of the picture's width apart."""
_STRIP = (-0.06, -0.015)
"""From where to where the strip of the scenes' colours lies, in heights of the axes that it lies below."""
_WIDEST = 40.0
_LEFT, _ABOVE, _BELOW, _BETWEEN = 0.9, 0.4, 0.95, 0.22
"""The inches around the axes, with room for their labels and the legend, and between them."""
_AXIS_BESIDE, _NOTHING_BESIDE = 0.95, 0.2
"""The inches at the right of the axes, with a second axis there and without."""
_MOST_APART = 500
"""So many lines, marks or bars are drawn one by one; more, of a film of hours, together or not all: each line that is a
thing of its own takes 15 KiB."""
_MOST_STEPS = 4000
"""So many steps of the motion are drawn at most, about one for each column of the widest picture: an hour's 108,000
took 700 MiB."""
_MOST_NOTES = 5000
"""So many notes of an instrument are things of their own for matplotlib, 700 bytes each; more become long lines with
gaps, of so many notes each."""
_LETTER_ROOM = 0.004
"""Letters of sections stand at least this share of the picture's width apart."""
_LEAST_SALIENCY = 0.002  # diagonals per second: the noise of a picture that stands still shall look like nothing


def draw_rhythm(rhythm: VideoRhythm, borders: Sequence[float], path: Path) -> None:
    """What the eye sees, on one time axis; the format is the suffix's.

    From top to bottom: thumbnails, with cuts and fades; motion speed and its mean by bar; motion saliency with the
    visual beats. Bars of the music stand behind all: `borders`, in seconds, are their beginnings and the last's end.
    """
    figure, (upper, middle, lower) = _rows(_width(rhythm.duration), [0.85, 2.0, 2.0], right=_NOTHING_BESIDE)
    width = _width(rhythm.duration) - 1.2  # inches, without the labels
    _plot_thumbnails(upper, rhythm, inches=(width, 0.9))
    _plot_speed(middle, rhythm, borders)
    _plot_saliency(lower, rhythm)
    for axes in (middle, lower):
        _plot_grid(axes, rhythm.duration, borders)
        _plot_cuts_and_fades(axes, rhythm)
    lower.set_xlim(0, rhythm.duration)
    lower.set_xlabel("seconds (grey lines: bars of the music, numbered above)")
    n_bar = len(borders) - 1
    seen = _seen(rhythm)
    write_title(upper, Path(rhythm.path).name, f"{seen}  |  music: {n_bar} bar{'' if n_bar == 1 else 's'}", pad=8)
    handles = [
        Line2D([], [], color=_SPEED, linewidth=1.8, label="motion speed, by bar"),
        Line2D([], [], color=_SALIENCY, linewidth=1.0, label="motion saliency"),
        Line2D([], [], color=_BEAT, marker="o", markersize=4, label=f"visual beat ({len(rhythm.visual_beats)})"),
        Line2D([], [], color=_CUT, linewidth=1.0, linestyle=(0, (4, 3)), label=f"cut ({len(rhythm.cuts)})"),
        Patch(color=_FADE, alpha=0.3, linewidth=0, label=f"fade or dissolve ({len(rhythm.fades)})"),
    ]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), fontsize="small", frameon=False)
    figure.savefig(path, dpi=120)


def draw_soundtrack(
    plan: Plan,
    song: Song,
    sheet: LeadSheet,
    name: str,
    path: Path,
    speech: Speech | None = None,
    *,
    pictures: bool = False,
    key: Key | None = None,
) -> None:
    """The rhythm of the video, if there is one; below sections and chords, density by bar, and the piano roll.

    A slideshow of `pictures` has no motion: they are shown themselves. `sheet` is the lead sheet in the song's `key`,
    in which its chords are spelled.
    Where there is `speech`, its spans and the gain of the music stand below all.
    """
    rhythm = plan.rhythm
    borders = song.timeline.bar_borders
    music = f"{song.tempo:.2f} BPM, {song.n_bar} bar{'' if song.n_bar == 1 else 's'}"
    heights = [0.85 if pictures else 2.0, 0.4, 0.8, 4.0] if rhythm is not None else [0.4, 0.8, 4.0]
    if speech is not None:
        heights.append(0.6)
    duration = plan.timeline.duration
    has_right = (rhythm is not None and not pictures) or any(energy is not None for energy in plan.energies)
    figure, rows = _rows(_width(duration), heights, right=_AXIS_BESIDE if has_right else _NOTHING_BESIDE)
    lowest = rows[-1]
    if speech is not None:
        _plot_speech_and_gain(rows.pop(), speech)
    *upper, form, middle, lower = rows
    if rhythm is not None:
        if pictures:
            _plot_pictures(upper[0], rhythm, inches=(_width(duration) - 1.2, 0.9))
        else:
            _plot_rhythm(upper[0], rhythm, borders)
        title, seen = (name, f"{duration:.2f} s") if pictures else (Path(rhythm.path).name, _seen(rhythm))
        write_title(upper[0], title, f"{seen}  |  music: {music}", pad=8 if pictures else None)
    else:
        write_title(form, name, f"{duration:.2f} s of music, {music}")
    _plot_form(form, sheet, key, borders, {section.begin: section.label for section in plan.sections})
    _plot_density(middle, song, borders)
    _plot_energy(middle, plan.energies, borders)
    _plot_piano_roll(lower, song, borders)
    _plot_mutes(lower, plan.wishes.mutes, duration)
    for axes in (middle, lower):
        if rhythm is not None:
            _plot_lines_of_cuts(axes, rhythm, 0.8, zorder=0)
    lowest.set_xlabel("seconds (grid: bars)")
    if song.notes:
        figure.legend(*lower.get_legend_handles_labels(), loc="lower center", ncols=len(Instrument))
    figure.savefig(path, dpi=120)


def _rows(width: float, heights: Sequence[float], *, right: float) -> tuple[Figure, list[Axes]]:
    """A figure of axes below each other on one time axis, of these heights in inches, `right` of them free beside all.

    The room for titles, labels and the legend is known; matplotlib would draw all of it twice more to find it out.
    """
    around = _ABOVE + _BELOW + _BETWEEN * (len(heights) - 1)
    height = around + sum(heights)
    figure = Figure(figsize=(width, height))
    figure.subplots_adjust(
        left=_LEFT / width,
        right=1 - right / width,
        top=1 - _ABOVE / height,
        bottom=_BELOW / height,
        hspace=_BETWEEN * len(heights) / sum(heights),
    )
    return figure, list(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights))


def _width(duration: float) -> float:
    return float(np.clip(duration * 0.35, 10.0, _WIDEST))


def _seen(rhythm: VideoRhythm) -> str:
    visual = "no visual tempo" if rhythm.tempo is None else f"visual tempo {rhythm.tempo:.1f} BPM"
    return f"{rhythm.duration:.2f} s, {visual}"


def _plot_rhythm(axes: Axes, rhythm: VideoRhythm, borders: Sequence[float]) -> None:
    axes.fill_between(*_speeds(rhythm), color=_SPEED, alpha=0.25, step="post", linewidth=0)
    axes.stairs(rhythm.flow.mean_speed(np.array(borders)), borders, color=_SPEED, linewidth=1.8)
    axes.set_ylabel("speed (diagonals/s)", color=_SPEED)
    axes.set_xlim(0, rhythm.duration)
    axes.set_ylim(bottom=0)
    _label_corner(axes)
    beats = axes.twinx()
    strongest = max((beat.saliency for beat in rhythm.visual_beats), default=1.0) or 1.0
    _plot_beats(beats, rhythm, linewidth=1.2, markersize=4)
    beats.set_ylim(0, strongest * 1.15)
    beats.set_ylabel("saliency of visual beats", color=_BEAT)
    _plot_cuts_and_fades(axes, rhythm)
    _plot_scenes(axes, rhythm)


def _speeds(rhythm: VideoRhythm) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When the steps of the motion begin, and its speed in each; the mean of several where there are many."""
    if len(rhythm.flow) <= _MOST_STEPS:
        return rhythm.flow.times, rhythm.flow.speed
    borders = np.linspace(0.0, rhythm.duration, _MOST_STEPS + 1)
    return borders[:-1], rhythm.flow.mean_speed(borders)


def _saliencies(rhythm: VideoRhythm) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same for the saliency; the highest of several."""
    if len(rhythm.flow) <= _MOST_STEPS:
        return rhythm.flow.times, rhythm.saliency
    first = np.arange(_MOST_STEPS) * len(rhythm.flow) // _MOST_STEPS
    return rhythm.flow.times[first], np.maximum.reduceat(rhythm.saliency, first)


def _label_corner(axes: Axes) -> None:
    handles = [
        Line2D([], [], color=_SPEED, linewidth=1.8, label="motion speed, by bar"),
        Line2D([], [], color=_BEAT, marker="o", markersize=4, label="visual beat"),
        Line2D([], [], color=_CUT, linewidth=0.8, linestyle=(0, (4, 3)), label="cut"),
    ]
    axes.legend(handles=handles, loc="upper right", fontsize="small", framealpha=0.9)


def _plot_thumbnails(axes: Axes, rhythm: VideoRhythm, inches: tuple[float, float]) -> None:
    """As many thumbnails as there is room for side by side, each at the middle of the time it stands for."""
    axes.set_xlim(0, rhythm.duration)
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.tick_params(axis="x", length=0, labelbottom=False)
    for side in axes.spines.values():
        side.set_visible(False)
    if rhythm.thumbnails:
        rows, columns = rhythm.thumbnails[0].colours.shape[:2]
        # A picture as high as the axes is so many seconds wide; narrow ones of upright videos have air between.
        shown = min(inches[1] * columns / rows / inches[0], 1.0) * rhythm.duration
        n = max(1, int(rhythm.duration / shown))
        slot = rhythm.duration / n
        times = np.array([thumbnail.time for thumbnail in rhythm.thumbnails])
        for i in range(n):
            middle = (i + 0.5) * slot
            thumbnail = rhythm.thumbnails[int(np.abs(times - middle).argmin())]
            extent = (middle - shown / 2, middle + shown / 2, 0.0, 1.0)
            axes.imshow(thumbnail.colours, extent=extent, aspect="auto", interpolation="bilinear")
    for some in _one_by_one(rhythm.cuts):
        axes.plot(
            some, np.ones(len(some)), marker="v", linestyle="none", color=_CUT, markersize=7, clip_on=False, zorder=3
        )
    for fade in rhythm.fades:
        axes.plot([fade.begin, fade.end], [1.02, 1.02], color=_FADE, linewidth=4, clip_on=False, solid_capstyle="butt")
    axes.set_xlim(0, rhythm.duration)
    axes.set_ylim(0, 1)


def _plot_pictures(axes: Axes, rhythm: VideoRhythm, inches: tuple[float, float]) -> None:
    """Each picture of a slideshow, as large as its time has room for."""
    axes.set_yticks([])
    axes.tick_params(axis="x", length=0, labelbottom=False)
    for side in axes.spines.values():
        side.set_visible(False)
    times = np.array([thumbnail.time for thumbnail in rhythm.thumbnails])
    for begin, end in pairwise((0.0, *rhythm.cuts, rhythm.duration)):
        middle = (begin + end) / 2
        colours = rhythm.thumbnails[int(np.abs(times - middle).argmin())].colours
        rows, columns = colours.shape[:2]
        wide = inches[1] * columns / rows / inches[0] * rhythm.duration
        share = min(1.0, 0.96 * (end - begin) / wide)
        extent = (middle - share * wide / 2, middle + share * wide / 2, (1 - share) / 2, (1 + share) / 2)
        axes.imshow(colours, extent=extent, aspect="auto", interpolation="bilinear")
    axes.set_xlim(0, rhythm.duration)
    axes.set_ylim(0, 1)


def _plot_speed(axes: Axes, rhythm: VideoRhythm, borders: Sequence[float]) -> None:
    axes.fill_between(*_speeds(rhythm), color=_SPEED, alpha=0.25, step="post", linewidth=0)
    bars = rhythm.flow.mean_speed(np.array(borders))
    axes.stairs(bars, borders, color=_SPEED, linewidth=1.8)
    axes.set_ylabel("speed (diagonals/s)", color=_SPEED)
    # One wild instant, such as a flash, must not flatten the rest.
    usual = float(np.quantile(rhythm.flow.speed, 0.995)) if len(rhythm.flow) else 0.0
    axes.set_ylim(0, max(usual, float(bars.max()) * 1.05, 1e-3) * 1.05)
    _plot_scenes(axes, rhythm)


def _plot_saliency(axes: Axes, rhythm: VideoRhythm) -> None:
    axes.plot(*_saliencies(rhythm), color=_SALIENCY, linewidth=0.8)
    _plot_beats(axes, rhythm, linewidth=1.4, markersize=4.5)
    strongest = max([float(rhythm.saliency.max(initial=0.0)), *(beat.saliency for beat in rhythm.visual_beats)])
    axes.set_ylim(0, max(strongest, _LEAST_SALIENCY) * 1.12)
    axes.set_ylabel("saliency and beats", color=_BEAT)


def _plot_beats(axes: Axes, rhythm: VideoRhythm, *, linewidth: float, markersize: float) -> None:
    """A line with a dot for each visual beat."""
    for some in _one_by_one(rhythm.visual_beats):
        # A gap after each line: those of many beats are one thing for matplotlib.
        times = [time for beat in some for time in (beat.time, beat.time, np.nan)][:-1]
        heights = [height for beat in some for height in (0, beat.saliency, np.nan)][:-1]
        axes.plot(times, heights, color=_BEAT, linewidth=linewidth)
        tops = [beat.time for beat in some], [beat.saliency for beat in some]
        axes.plot(*tops, "o", color=_BEAT, markersize=markersize)


def _plot_lines_of_cuts(axes: Axes, rhythm: VideoRhythm, linewidth: float, **style: Any) -> None:
    style = {"color": _CUT, "linewidth": linewidth, "linestyle": (0, (4, 3)), **style}
    if len(rhythm.cuts) > _MOST_APART:
        axes.vlines(rhythm.cuts, 0, 1, transform=axes.get_xaxis_transform(), **style)
        return
    for cut in rhythm.cuts:
        axes.axvline(cut, **style)


def _one_by_one(things: Sequence[Thing]) -> list[Sequence[Thing]]:
    """Each thing by itself, or all together if there are many."""
    if len(things) > _MOST_APART:
        return [things]
    return [[thing] for thing in things]


def _plot_grid(axes: Axes, duration: float, borders: Sequence[float]) -> None:
    n_bar = len(borders) - 1
    every = _bars_of_a_label(n_bar, duration)
    for bar, border in enumerate(borders):
        if n_bar > _MOST_APART and bar % every:
            continue
        axes.axvline(border, color=_GRID, linewidth=0.7, zorder=0)
        if bar < n_bar and bar % every == 0:
            axes.annotate(
                str(bar + 1),
                (border, 1),
                xycoords=("data", "axes fraction"),
                xytext=(2, -9),
                textcoords="offset points",
                fontsize=7,
                color="#888888",
            )
    axes.set_axisbelow(True)


def _bars_of_a_label(n_bar: int, duration: float) -> int:
    """There is room for a label once in so many bars."""
    return max(1, int(np.ceil(n_bar * 0.3 / _width(duration))))


def _plot_cuts_and_fades(axes: Axes, rhythm: VideoRhythm) -> None:
    _shade(axes, rhythm.fades, [_FADE] * len(rhythm.fades), alpha=0.13, zorder=0)
    _plot_lines_of_cuts(axes, rhythm, 0.9)


def _plot_scenes(axes: Axes, rhythm: VideoRhythm) -> None:
    """A strip below with the mean colour of each scene."""
    colours = [scene.mean_colour for scene in rhythm.scenes]
    _shade(axes, rhythm.scenes, colours, between=_STRIP, clip_on=False)


def _shade(
    axes: Axes, spans: Sequence[Any], colours: Sequence[Any], *, between: tuple[float, float] = (0, 1), **style: Any
) -> None:
    """Colour spans, which have a `begin` and an `end`, `between` two shares of the height."""
    if len(spans) > _MOST_APART:
        axes.broken_barh(
            [(span.begin, span.end - span.begin) for span in spans],
            (between[0], between[1] - between[0]),
            transform=axes.get_xaxis_transform(),
            color=colours,
            linewidth=0,
            **style,
        )
        return
    for span, colour in zip(spans, colours, strict=True):
        axes.axvspan(span.begin, span.end, *between, color=colour, linewidth=0, **style)


def _plot_form(
    axes: Axes, sheet: LeadSheet, key: Key | None, borders: Sequence[float], labels: Mapping[int, str | None]
) -> None:
    """The sections, in a colour for each letter, and the chords where they change.

    `labels` are the user's own, by the bar in which a section begins.
    """
    starts = np.flatnonzero(sheet.begins).tolist() or [0]
    last_at = -np.inf
    for begin, end in zip(starts, [*starts[1:], sheet.n_bar], strict=True):
        letter = int(sheet.letters[begin])
        colour = _SECTIONS[letter % len(_SECTIONS)] if letter != UNKNOWN else "#ffffff"
        axes.axvspan(borders[begin], borders[end], color=colour, linewidth=0)
        own = labels.get(begin)
        label = own or (LETTERS[letter] if letter != UNKNOWN else None)
        if label is not None and (own or borders[begin] - last_at >= _LETTER_ROOM * (borders[-1] - borders[0])):
            _label(axes, label, (borders[begin], 1), (3, -10), fontsize=9, fontweight="bold")
            last_at = borders[begin]
    room = _CHORD_ROOM * (borders[-1] - borders[0])
    last, last_at = "", -np.inf
    for half, name in enumerate(names_of(sheet.chords.tolist(), key)):
        bar, in_bar = divmod(half, HALVES_PER_BAR)
        at = borders[bar] + (borders[bar + 1] - borders[bar]) * in_bar / HALVES_PER_BAR
        if name != last and name != "N" and at - last_at >= room:
            _label(axes, name, (at, 0), (2, 3), fontsize=7)
            last_at = at
        last = name
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.set_ylabel("form")


def _label(axes: Axes, text: str, at: tuple[float, float], points: tuple[int, int], **style: Any) -> None:
    axes.annotate(text, at, xytext=points, textcoords="offset points", **style)


def _plot_density(axes: Axes, song: Song, borders: Sequence[float]) -> None:
    by_bar = Counter(position // POSITIONS_PER_BAR for position in {note.position for note in song.notes})
    density = [by_bar[bar] for bar in range(song.n_bar)]
    axes.stairs(density, borders, fill=True, color="#8aa29e")
    axes.set_ylim(0, POSITIONS_PER_BAR)
    axes.set_yticks([0, 8, 16])
    axes.set_ylabel("density")


def _plot_energy(axes: Axes, energies: Sequence[float | None], borders: Sequence[float]) -> None:
    """The energy that the user asked of each bar, on an axis of its own at the right; a gap where none was."""
    if all(energy is None for energy in energies):
        return
    right = axes.twinx()
    spans = zip(energies, borders, borders[1:], strict=False)
    bars = [(energy, begin, end) for energy, begin, end in spans if energy is not None]
    for some in _one_by_one(bars):
        times = [time for _, begin, end in some for time in (begin, end, np.nan)][:-1]
        heights = [height for energy, *_ in some for height in (energy, energy, np.nan)][:-1]
        right.plot(times, heights, color=_ENERGY, linewidth=2.2, solid_capstyle="butt")
    right.set_ylim(0, 1)
    right.set_yticks([0, 0.5, 1])
    right.set_ylabel("energy asked", color=_ENERGY)


def _plot_speech_and_gain(axes: Axes, speech: Speech) -> None:
    """The spans of speech as bands, the gain of the music as a line."""
    _shade(axes, speech.spans, [_SPEECH] * len(speech.spans), alpha=0.35)
    gains = [knot.gain for knot in speech.curve]
    axes.plot([knot.time for knot in speech.curve], gains, color=_GAIN, linewidth=1.6)
    axes.set_ylim(min([*gains, -12]) - 3, 1)
    axes.set_ylabel("speech, gain\nof music (dB)", color=_GAIN)


def _plot_mutes(axes: Axes, mutes: Sequence[Mute], duration: float) -> None:
    """A line at the upper edge for each time in which an instrument is muted, in its colour."""
    rows = {instrument: row for row, instrument in enumerate(sorted({mute.instrument for mute in mutes}))}
    for mute in mutes:
        height = 0.985 - 0.045 * rows[mute.instrument]
        axes.plot(
            [mute.begin, min(mute.end, duration)],
            [height, height],
            transform=axes.get_xaxis_transform(),
            color=COLOURS[mute.instrument],
            linewidth=3.0,
            solid_capstyle="butt",
        )
        axes.annotate(
            f"{mute.instrument.label} muted",
            (mute.begin, height),
            xycoords=axes.get_xaxis_transform(),
            xytext=(3, -9),
            textcoords="offset points",
            fontsize=7,
            color=COLOURS[mute.instrument],
        )


def _plot_piano_roll(axes: Axes, song: Song, borders: Sequence[float]) -> None:
    """Pitched tracks by pitch; drum keys in a band of their own below."""
    drum_keys = sorted({note.pitch for note in song.notes if note.instrument is Instrument.DRUMS})
    pitched = [note.pitch for note in song.notes if note.instrument is not Instrument.DRUMS]
    floor = min(pitched, default=40) - 3
    row_of_key = {key: floor - 1.4 * (len(drum_keys) - i) for i, key in enumerate(drum_keys)}
    for instrument in song.instruments:
        segments = []
        for note in song.notes:
            if note.instrument != instrument:
                continue
            row = row_of_key[note.pitch] if instrument is Instrument.DRUMS else note.pitch
            begin = song.seconds(note.position)
            end = min(song.seconds(note.position + note.duration - 0.15), song.duration)  # neighbours stay apart
            segments.append([(begin, row), (max(begin, end), row)])
        if len(segments) <= _MOST_NOTES:
            lines = LineCollection(
                segments, colors=COLOURS[instrument], linewidths=3.0, label=instrument.label, capstyle="butt"
            )
            axes.add_collection(lines)
            continue
        for first in range(0, len(segments), _MOST_NOTES):
            gapped = np.full((len(segments[first : first + _MOST_NOTES]), 3, 2), np.nan)
            gapped[:, :2] = segments[first : first + _MOST_NOTES]
            gapped[:, 1, 0] = np.maximum(gapped[:, 1, 0], gapped[:, 0, 0] + song.duration / _MOST_STEPS)  # to be seen
            times, rows = gapped.reshape(-1, 2).T
            label = "" if first else instrument.label
            axes.plot(times, rows, color=COLOURS[instrument], linewidth=3.0, solid_capstyle="butt", label=label)
    axes.set_ylim(min(row_of_key.values(), default=floor) - 2, max(pitched, default=80) + 3)
    axes.set_xlim(0, song.duration)
    n_bar = len(borders) - 1
    every = _bars_of_a_label(n_bar, song.duration) if n_bar > _MOST_APART else 1
    axes.set_xticks(borders[:-1:every], minor=True)
    axes.grid(axis="x", which="minor", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_ylabel("MIDI pitch, C by C (drums below)")
    # The drums' rows have no pitch: ticks stand beside the pitched notes only.
    axes.set_yticks([pitch for pitch in range(0, 128, 12) if floor < pitch <= max(pitched, default=80)])
