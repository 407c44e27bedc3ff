"""Sentences that several commands print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmt.cli.options import is_verbose
from cmt.cli.saying import say
from cmt.machine.plural import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmt.report.parts import Grid, Hits
    from cmt.report.pictures import PictureShown


def grid_in_words(grid: Grid) -> str:
    """``19 bars at 120.00 BPM, first downbeat at 0.50 s``."""
    tempo_map = grid.tempo_map
    if len(tempo_map) > 1 and tempo_map[1].position - tempo_map[0].position == 1:
        tempo_map = tempo_map[1:]  # the first sixteenth alone, stretched to begin with the picture
    tempi = [stretch.tempo for stretch in tempo_map]
    lowest, highest = min(tempi), max(tempi)
    span = f"{grid.tempo:.2f} BPM" if highest - lowest < 0.005 else f"{lowest:.2f} to {highest:.2f} BPM"
    pickup = f", first downbeat at {grid.phase:.2f} s" if grid.phase else ""
    return f"{count(grid.n_bar, 'bar')} at {span}{pickup}"


def pictures_in_words(pictures: Sequence[PictureShown], n_other: int, *, is_usual: bool) -> str:
    """``5, each for 3.24 s, 16.20 s in all; 2 other files passed over``; where that is usual, what changes it."""
    lasts = sorted(shown.end - shown.begin for shown in pictures)
    each = f"{lasts[0]:.2f}" if lasts[-1] - lasts[0] < 0.005 else f"{lasts[0]:.2f} to {lasts[-1]:.2f}"
    others = f"; {count(n_other, 'other file')} passed over" if n_other else ""
    if len(pictures) == 1:
        return f"1, for {each} s{' (--length sets it)' if is_usual else ''}{others}"
    usual = " (--length or --seconds-per-picture set it)" if is_usual else ""
    return f"{len(pictures)}, each for {each} s, {pictures[-1].end:.2f} s in all{usual}{others}"


def print_hits(hits: Hits) -> None:
    """How many of each kind the music meets, and with --verbose what chance would give."""
    for noun, met in (("marker", hits.markers), ("cut", hits.cuts), ("visual beat", hits.visual_beats)):
        if met.n_hit:
            by_chance = (met.on_grid_by_chance, met.on_downbeats_by_chance)
            grid, downbeats = (f" (chance {share:.0%} of them)" if is_verbose() else "" for share in by_chance)
            say(
                f"hits     {round(met.on_grid * met.n_hit)} of {count(met.n_hit, noun)} on the grid{grid}, "
                f"{round(met.on_downbeats * met.n_hit)} on the first beat of a bar{downbeats}"
            )
    if not hits.all.n_hit:
        say("hits     none: nothing in the picture speaks for a grid")
