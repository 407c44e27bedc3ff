"""Sentences that several commands print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmt.machine.plural import count

if TYPE_CHECKING:
    from cmt.report.parts import Grid, Hits


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


def print_hits(hits: Hits) -> None:
    """How many of each kind the music meets, beside what chance would give."""
    for noun, met in (("marker", hits.markers), ("cut", hits.cuts), ("visual beat", hits.visual_beats)):
        if met.n_hit:
            click.echo(
                f"hits     {round(met.on_grid * met.n_hit)} of {count(met.n_hit, noun)} on the grid "
                f"(chance {met.on_grid_by_chance:.0%} of them), {round(met.on_downbeats * met.n_hit)} "
                f"on downbeats (chance {met.on_downbeats_by_chance:.0%})"
            )
    if not hits.all.n_hit:
        click.echo("hits     none: nothing in the picture speaks for a grid")
