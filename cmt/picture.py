"""Pictures on one time axis: the video's rhythm above, the music below (the paper's figure 2)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

matplotlib.use("Agg")  # no display is needed, nor wanted

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from midi_io.song import POSITIONS_PER_BAR, Instrument, Song

if TYPE_CHECKING:
    from video_rhythm import VideoRhythm

COLOURS = {
    Instrument.DRUMS: "#4d4d4d",
    Instrument.PIANO: "#d1495b",
    Instrument.GUITAR: "#edae49",
    Instrument.BASS: "#00798c",
    Instrument.STRINGS: "#6a4c93",
}
"""Tell the five tracks apart, by lightness too for readers who do not see all colours."""
_SPEED, _BEAT, _CUT = "#30638e", "#e07a1f", "#111111"
_WIDEST = 40.0


def draw_rhythm(rhythm: VideoRhythm, borders: Sequence[float], path: Path) -> None:
    """Motion speed, its mean by bar, visual beats and cuts as a picture; the format is the suffix's.

    `borders`, in seconds, are the beginnings of the bars and the end of the last.
    """
    figure = Figure(figsize=(_width(rhythm.duration), 4.0), layout="constrained")
    axes = figure.subplots()
    _plot_rhythm(axes, rhythm, borders)
    axes.set_xlabel("seconds")
    axes.set_title(_title(rhythm))
    figure.savefig(path, dpi=120)


def draw_soundtrack(rhythm: VideoRhythm, song: Song, path: Path) -> None:
    """The video's rhythm above, density by bar and the piano roll below."""
    figure = Figure(figsize=(_width(rhythm.duration), 8.0), layout="constrained")
    upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=[2.0, 0.8, 4.0])
    borders = song.timing.bar_borders(song.length)
    _plot_rhythm(upper, rhythm, borders)
    upper.set_title(f"{_title(rhythm)}  |  music: {song.tempo:.2f} BPM, {song.n_bar} bars")
    _plot_density(middle, song, borders)
    _plot_piano_roll(lower, song, borders)
    for axes in (middle, lower):
        for cut in rhythm.cuts:
            axes.axvline(cut, color=_CUT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    lower.set_xlabel("seconds (grid: bars)")
    if song.notes:
        figure.legend(*lower.get_legend_handles_labels(), loc="outside lower center", ncols=len(Instrument))
    figure.savefig(path, dpi=120)


def _width(duration: float) -> float:
    return float(np.clip(duration * 0.35, 10.0, _WIDEST))


def _title(rhythm: VideoRhythm) -> str:
    visual = "no visual tempo" if rhythm.tempo is None else f"visual tempo {rhythm.tempo:.1f} BPM"
    return f"{Path(rhythm.path).name}: {rhythm.duration:.2f} s, {visual}"


def _plot_rhythm(axes: Axes, rhythm: VideoRhythm, borders: Sequence[float]) -> None:
    axes.fill_between(rhythm.flow.times, rhythm.flow.speed, color=_SPEED, alpha=0.25, step="post", linewidth=0)
    axes.stairs(rhythm.flow.mean_speed(np.array(borders)), borders, color=_SPEED, linewidth=1.8)
    axes.set_ylabel("speed (diagonals/s)", color=_SPEED)
    axes.set_xlim(0, rhythm.duration)
    axes.set_ylim(bottom=0)
    _label_corner(axes)
    beats = axes.twinx()
    strongest = max((beat.saliency for beat in rhythm.visual_beats), default=1.0) or 1.0
    for beat in rhythm.visual_beats:
        beats.plot([beat.time] * 2, [0, beat.saliency], color=_BEAT, linewidth=1.2)
        beats.plot(beat.time, beat.saliency, "o", color=_BEAT, markersize=4)
    beats.set_ylim(0, strongest * 1.15)
    beats.set_ylabel("saliency of visual beats", color=_BEAT)
    for cut in rhythm.cuts:
        axes.axvline(cut, color=_CUT, linewidth=0.8, linestyle=(0, (4, 3)))


def _label_corner(axes: Axes) -> None:
    handles = [
        Line2D([], [], color=_SPEED, linewidth=1.8, label="motion speed, by bar"),
        Line2D([], [], color=_BEAT, marker="o", markersize=4, label="visual beat"),
        Line2D([], [], color=_CUT, linewidth=0.8, linestyle=(0, (4, 3)), label="cut"),
    ]
    axes.legend(handles=handles, loc="upper right", fontsize="small", framealpha=0.9)


def _plot_density(axes: Axes, song: Song, borders: Sequence[float]) -> None:
    onsets = {note.position for note in song.notes}
    density = [sum(1 for p in onsets if p // POSITIONS_PER_BAR == bar) for bar in range(song.n_bar)]
    axes.stairs(density, borders, fill=True, color="#8aa29e")
    axes.set_ylim(0, POSITIONS_PER_BAR)
    axes.set_yticks([0, 8, 16])
    axes.set_ylabel("density")


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
        axes.add_collection(
            LineCollection(
                segments, colors=COLOURS[instrument], linewidths=3.0, label=instrument.label, capstyle="butt"
            )
        )
    axes.set_ylim(min(row_of_key.values(), default=floor) - 2, max(pitched, default=80) + 3)
    axes.set_xlim(0, song.duration)
    axes.set_xticks(borders[:-1], minor=True)
    axes.grid(axis="x", which="minor", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_ylabel("MIDI pitch, C by C (drums below)")
    # The drums' rows have no pitch: ticks stand beside the pitched notes only.
    axes.set_yticks([pitch for pitch in range(0, 128, 12) if floor < pitch <= max(pitched, default=80)])
