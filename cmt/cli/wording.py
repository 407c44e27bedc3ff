"""Sentences that several commands print."""

from __future__ import annotations

from typing import Any

import click

from cmt.machine.plural import count


def grid_in_words(music: dict[str, Any]) -> str:
    """``19 bars at 120.00 BPM, first downbeat at 0.50 s``."""
    tempo_map = music["tempo_map"]
    if len(tempo_map) > 1 and tempo_map[1]["position"] - tempo_map[0]["position"] == 1:
        tempo_map = tempo_map[1:]  # the first sixteenth alone, stretched to begin with the picture
    tempi = [stretch["tempo"] for stretch in tempo_map]
    lowest, highest = min(tempi), max(tempi)
    span = f"{music['tempo']:.2f} BPM" if highest - lowest < 0.005 else f"{lowest:.2f} to {highest:.2f} BPM"
    pickup = f", first downbeat at {music['phase']:.2f} s" if music["phase"] else ""
    return f"{count(music['n_bar'], 'bar')} at {span}{pickup}"


def print_hits(hits: dict[str, Any]) -> None:
    """How many of each kind the music meets, beside what chance would give."""
    kinds = {"markers": "marker", "cuts": "cut", "visual_beats": "visual beat"}
    for name, noun in kinds.items():
        met = hits[name]
        if met["n_hit"]:
            click.echo(
                f"hits     {round(met['on_grid'] * met['n_hit'])} of {count(met['n_hit'], noun)} on the grid "
                f"(chance {met['on_grid_by_chance']:.0%} of them), {round(met['on_downbeats'] * met['n_hit'])} "
                f"on downbeats (chance {met['on_downbeats_by_chance']:.0%})"
            )
    if not hits["all"]["n_hit"]:
        click.echo("hits     none: nothing in the picture speaks for a grid")
