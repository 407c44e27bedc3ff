"""What a piece's lead sheet must have: the user's chords, form, energy and mutes, bar by bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from cmt.music.chords import HALVES_PER_BAR, key_of_chords, share_in_scale, transposed_numbers
from cmt.music.form import N_LETTER, lag_of_return
from cmt.music.key import Key, semitones_to_home
from cmt.music.lead_sheet import UNKNOWN, Column, SheetOrders, energy_at, no_orders
from cmt.planning.energy import NAMES, Begin
from cmt.planning.form import WishedForm, section_lengths
from cmt.planning.sheet import Sheet
from cmt.planning.wishes import Settled
from midi_io.song import POSITIONS_PER_BAR, Instrument, Timeline

LEAST_SHARE = 0.5
"""Chords of whose notes a smaller share lies in the key's scale contradict the key."""


class PlacedSection(NamedTuple):
    """A section of a piece, in bars."""

    label: str | None
    """A letter, or a name; None for what the user did not name."""
    begin: int
    """Its first bar; a pickup belongs to the section behind it."""
    downbeat: int
    """Its first whole bar."""
    end: int
    """The bar behind its last one."""


def sections_of_wishes(wishes: Settled, timeline: Timeline) -> tuple[tuple[PlacedSection, ...], tuple[str, ...]]:
    """The sections of a piece, which cover it, and warnings; none where the user leaves the form open.

    Raises
    ------
    CmtError
        If a form does not fit into the piece.
    """
    pickup = _pickup(timeline)
    if wishes.form is not None:
        labels, begins, warnings = _begins_of_form(wishes.form, timeline.n_bar, pickup)
    elif wishes.energy is not None and wishes.energy.begins:
        labels, begins, warnings = _begins_at_times(wishes.energy.begins, timeline)
    else:
        return (), ()
    ends = [*begins[1:], timeline.n_bar]
    sections = (
        PlacedSection(label, begin, max(begin, pickup), end)
        for label, begin, end in zip(labels, begins, ends, strict=True)
    )
    return tuple(sections), tuple(warnings)


def _begins_of_form(form: WishedForm, n_bar: int, pickup: int) -> tuple[Sequence[str | None], list[int], list[str]]:
    """The labels of a form's sections, the bars in which they begin, and warnings."""
    lengths, warnings = section_lengths(form, n_bar - pickup)
    begins = (pickup + np.cumsum([0, *lengths[:-1]])).tolist()
    return form.labels, [0, *begins[1:]], warnings


def _begins_at_times(
    sections: Sequence[Begin], timeline: Timeline
) -> tuple[Sequence[str | None], list[int], list[str]]:
    """The labels of sections that begin at the bar nearest to a time, these bars, and warnings.

    What lies before the first of them is a section without a label.
    """
    borders = np.array(timeline.bar_borders[:-1])
    placed: dict[int, str | None] = {0: None}
    warnings = []
    taken: dict[int, Begin] = {}
    for section in sections:
        if section.time >= timeline.duration:
            continue
        bar = int(np.abs(borders - section.time).argmin())
        if bar in taken:
            lost = taken[bar]
            name = f", {lost.name}," if lost.name else ""
            warnings.append(
                f"`sections`: that at {lost.time:g} s{name} has no bar of its own beside that at {section.time:g} s"
            )
        taken[bar] = section
        placed[bar] = section.name
    return list(placed.values()), list(placed), warnings


def energies_of_wishes(wishes: Settled, sections: Sequence[PlacedSection], timeline: Timeline) -> list[float | None]:
    """(n_bar,) the energy of each bar, 0..1: the user's own, else that of its section's name, else None."""
    energies: list[float | None] = [None] * timeline.n_bar
    if wishes.form is not None:
        for section in sections:
            if section.label is not None and section.label in NAMES:
                n_bar = section.end - section.begin
                energies[section.begin : section.end] = np.linspace(*NAMES[section.label], n_bar).tolist()
    if wishes.energy is not None:
        said = wishes.energy.by_bar(timeline.bar_borders)
        energies = [other if own is None else own for own, other in zip(said, energies, strict=True)]
    return energies


def orders_of_wishes(
    wishes: Settled, sheet: Sheet, sections: Sequence[PlacedSection] | None = None
) -> tuple[SheetOrders, tuple[str, ...]]:
    """What the user orders of a piece's lead sheet, chords in the key of the piece, and warnings.

    `sections` are those of `sections_of_wishes`, which is asked if they are left out. Its warnings are not among these.

    Raises
    ------
    CmtError
        If a form does not fit into the piece.
    """
    timeline = sheet.timeline
    if sections is None:
        sections, _ = sections_of_wishes(wishes, timeline)
    orders = _with_sections(no_orders(timeline.n_bar, sheet.instruments), sections)
    energies = energies_of_wishes(wishes, sections, timeline)
    may_play = _may_play(with_breaks(sheet, sections))
    must_play = np.zeros(timeline.n_bar, np.int64)
    for section in sections:
        if section.label == "drop":
            must_play[section.begin : section.end] = may_play[section.begin : section.end]
    orders = replace(
        orders,
        chords=_chords(wishes, timeline, sections),
        energy=np.array([UNKNOWN if energy is None else energy_at(energy) for energy in energies], np.int64),
        may_play=may_play,
        must_play=must_play,
    )
    return orders, (*_key_warnings(wishes), *_length_warnings(wishes, sections, timeline))


def with_usual_energy(orders: SheetOrders, energy: float) -> SheetOrders:
    """The orders with an energy, 0..1, for the bars that have none."""
    return replace(orders, energy=np.where(orders.energy == UNKNOWN, energy_at(energy), orders.energy))


def at_home(orders: SheetOrders, key: Key) -> SheetOrders:
    """Orders for a piece in `key`, their chords moved to the key in which the model lives."""
    return replace(orders, chords=transposed_numbers(orders.chords, semitones_to_home(key)))


def _with_sections(orders: SheetOrders, sections: Sequence[PlacedSection]) -> SheetOrders:
    """The orders with where sections begin, which are alike, and which bars return."""
    lags, begins, letters = orders.lags.copy(), orders.begins.copy(), orders.letters.copy()
    labels = list(dict.fromkeys(section.label for section in sections))
    for index, section in enumerate(sections):
        begins[section.begin] = 1
        if section.label is None:
            continue
        begins[section.begin + 1 : section.end] = 0
        letters[section.begin : section.end] = labels.index(section.label) % N_LETTER
        earlier = [range(other.downbeat, other.end) for other in sections[:index] if other.label == section.label]
        if not earlier:
            lags[section.downbeat] = 0
            continue
        for bar in range(section.downbeat, section.end):
            if (lag := lag_of_return(bar, bar - section.downbeat, earlier)) is not None:
                lags[bar] = lag
    lags[-1] = UNKNOWN  # the closing bar comes to rest, whatever its model does
    return replace(orders, lags=lags, begins=begins, letters=letters)


def with_breaks(sheet: Sheet, sections: Sequence[PlacedSection]) -> Sheet:
    """The same sheet with drums that rest in breaks.

    They do not in a bar in which nobody else may play, and in no bar if nothing would be left for them.
    """
    may_play = _may_play(sheet)
    drums = 1 << Instrument.DRUMS
    is_break = np.zeros(len(may_play), bool)
    for section in sections:
        is_break[section.begin : section.end] |= section.label == "break"
    is_break &= may_play & ~drums > 0
    if not np.any(may_play[~is_break] & drums):
        return sheet
    resting = {position for bar in np.flatnonzero(is_break).tolist() for position in _positions(sheet.timeline, bar)}
    if not resting:
        return sheet
    rests = sheet.rests.get(Instrument.DRUMS, frozenset()) | resting
    return replace(sheet, rests={**sheet.rests, Instrument.DRUMS: rests})


def _positions(timeline: Timeline, bar: int) -> range:
    """The sixteenths of a bar that belong to the piece."""
    first = max(math.ceil(timeline.start), bar * POSITIONS_PER_BAR)
    return range(first, math.ceil(min((bar + 1) * POSITIONS_PER_BAR, timeline.length)))


def _may_play(sheet: Sheet) -> Column:
    """(n_bar,) the instruments that may sound somewhere in each bar, as bits."""
    may_play = np.zeros(sheet.timeline.n_bar, np.int64)
    for bar in range(len(may_play)):
        positions = frozenset(_positions(sheet.timeline, bar))
        for instrument in sheet.instruments:
            if positions - sheet.rests.get(instrument, frozenset()):
                may_play[bar] |= 1 << instrument
    return may_play


def _chords(wishes: Settled, timeline: Timeline, sections: Sequence[PlacedSection]) -> Column:
    """(n_bar * 2,) the chords; each section begins its row anew, and a pickup has the first chord of the bar behind."""
    chords = np.full((timeline.n_bar, HALVES_PER_BAR), UNKNOWN, np.int64)
    if wishes.chords is None:
        return chords.reshape(-1)
    for section in sections or [_whole(timeline)]:
        row = wishes.chords.row(section.label)
        if row is None:
            continue
        chords[section.begin : section.downbeat] = row[0][0]
        for bar in range(section.downbeat, section.end):
            chords[bar] = row[(bar - section.downbeat) % len(row)]
    return chords.reshape(-1)


def _whole(timeline: Timeline) -> PlacedSection:
    """A piece without a form as one section."""
    return PlacedSection(None, 0, _pickup(timeline), timeline.n_bar)


def _pickup(timeline: Timeline) -> int:
    """The number of bars before the first downbeat; a piece of one bar has no pickup: there is nothing to lead to."""
    return 1 if timeline.start > 0 and timeline.n_bar > 1 else 0


def _length_warnings(wishes: Settled, sections: Sequence[PlacedSection], timeline: Timeline) -> tuple[str, ...]:
    """What is to say of rows of chords that no section is long enough for."""
    chords = wishes.chords
    if chords is None:
        return ()
    warnings = []
    for label, row in chords.rows:
        its = [
            section.end - section.downbeat
            for section in sections or [_whole(timeline)]
            if section.label == label or (label is None and section.label not in chords.labels)
        ]
        if its and max(its) < len(row):
            where = "the piece has" if not sections else "its sections have" if label is None else f"{label} has"
            warnings.append(f"`chords`: {len(row)} bars, yet {where} {max(its)}; the rest is not heard")
    return tuple(warnings)


def _key_warnings(wishes: Settled) -> tuple[str, ...]:
    """What is to say of chords that do not fit the key that the user asked for."""
    played = wishes.chords.chords(wishes.labels) if wishes.chords is not None else []
    if not played or wishes.key.tonic is None or wishes.key.mode is None:
        return ()
    key, theirs = Key(wishes.key.tonic, wishes.key.mode), key_of_chords(played)
    share = share_in_scale(played, key)
    if key == theirs or share >= LEAST_SHARE:
        return ()
    return (
        f"`key` {key} and `chords` contradict each other: {share:.0%} of the chords' notes are in that key, which are "
        f"rather {theirs}; the chords win",
    )
