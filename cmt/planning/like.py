"""A piece that is to be like a song: what it takes of the song, bar by bar, and the orders that come of it.

What the user says goes before the song, and so do the picture's scenes, the energy that it asks for and its accents.
The song fills what they leave open: form, chords, players, drums, groove, and where nobody asks, energy. Its mode, its
tempo and its genre are those to which the piece leans.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cmt.corpus.intake import PIANOROLLS, notes_of_ticks
from cmt.errors import CmtError
from cmt.music.chords import HALVES_PER_BAR
from cmt.music.degrees import in_mode
from cmt.music.form import MAX_LAG, N_LETTER
from cmt.music.lead_sheet import UNKNOWN, Column, Grooves, SheetOrders
from cmt.music.template import Template, template_of
from cmt.music.words import Mode
from cmt.planning.fitting import FittedForm
from cmt.planning.wishes import Settled
from cmt.report.like import Distance
from midi_io import MIDI_SUFFIXES
from midi_io.midi_file import read_midi_ticks
from midi_io.pianoroll import read_pianoroll_ticks
from midi_io.song import Instrument

USUAL_TEMPO = 120.0
"""The BPM of a song that says none, as in MIDI."""
_DRUMS = 1 << Instrument.DRUMS


@dataclass(frozen=True)
class Reference:
    """A song that a piece is to be like, and why it is this one."""

    template: Template
    source: str
    """The file that it comes from."""
    n_piece: int | None = None
    """The number of pieces from which it was chosen; None where the user named it."""
    distances: tuple[Distance, ...] = ()
    """How far it is from what was asked, each by itself; none where the user named it."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Likeness:
    """What a piece takes of a song: which bar of the song each of its bars is like."""

    reference: Reference
    form: FittedForm
    takes_chords: bool
    """Whether the chords are the song's: the user gave none."""

    @property
    def players(self) -> Column:
        """(n_bar,) the instruments of the song's bars, as bits; 0 where nothing is taken."""
        bars = self.form.bars
        return np.where(bars == UNKNOWN, 0, self.reference.template.sheet.players[bars])

    @property
    def letters(self) -> Column:
        """(n_bar,) the letters of the song's sections, numbered as they come; UNKNOWN where nothing is taken."""
        numbers: dict[int, int] = {}
        letters = np.full(len(self.form.bars), UNKNOWN, np.int64)
        for bar, source in enumerate(self.form.bars.tolist()):
            if source != UNKNOWN:
                letter = int(self.reference.template.sheet.letters[source])
                letters[bar] = numbers.setdefault(letter, len(numbers)) % N_LETTER
        return letters

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The instruments that play in the bars that are taken."""
        heard = int(np.bitwise_or.reduce(self.players))
        return tuple(instrument for instrument in Instrument if heard >> instrument & 1)

    @property
    def grooves(self) -> Grooves:
        """(n_bar,) where drums and bass of the song strike."""
        grooves = self.reference.template.grooves
        return tuple(frozenset() if bar == UNKNOWN else grooves[bar] for bar in self.form.bars.tolist())

    def chords(self, mode: Mode) -> Column:
        """(n_bar * 2,) the song's chords on the same degrees of the home key of a mode; the closing bar is free."""
        template, bars = self.reference.template, self.form.bars
        chords = template.sheet.chords.reshape(-1, HALVES_PER_BAR)[bars].copy()
        chords[bars == UNKNOWN] = UNKNOWN
        chords[-1:] = UNKNOWN
        return in_mode(chords.reshape(-1), template.key.mode, mode)


def read_reference(path: Path) -> Reference:
    """The song in a MIDI file or a pianoroll as a reference.

    Raises
    ------
    CmtError
        If there is no such file, it is neither, or nothing can be taken of it.
    """
    name = path.name.lower()
    if not path.exists():
        raise CmtError(f"{path}: no such file or folder; check the path behind `like`")
    if not name.endswith((*MIDI_SUFFIXES, *PIANOROLLS)):
        raise CmtError(f"{path}: is no song; `like` takes a MIDI file (.mid) or the folder of an index (cmt index)")
    ticks = read_pianoroll_ticks(path) if name.endswith(PIANOROLLS) else read_midi_ticks(path)
    warnings = tuple(f"`like` {path.name}: {line}" for line in ticks.repairs)
    if not ticks.is_common_time:
        warnings += (
            f"`like` {path.name}: is not in 4/4 throughout; its bars are counted as if it were, so that sections and "
            "chords of it may begin elsewhere",
        )
    notes = notes_of_ticks(ticks)
    template = template_of(str(path), notes, ticks.median_tempo or USUAL_TEMPO)
    return Reference(replace(template, name=path.name), str(path), warnings=warnings)


def wishes_like(wishes: Settled, template: Template) -> Settled:
    """The wishes that lean to the tempo, the mode and the genre of a song where the user leaves them open."""
    key = wishes.key if wishes.key.mode is not None else wishes.key._replace(mode=template.key.mode)
    genre = wishes.genre if wishes.genre is not None else template.genre
    return replace(wishes, key=key, genre=genre, suited_tempo=template.tempo)


def wishes_of_players(wishes: Settled, like: Likeness) -> Settled:
    """The wishes with the players of a song where the user does not say who plays."""
    if wishes.instruments is not None or not like.instruments:
        return wishes
    muted = {mute.instrument for mute in wishes.mutes}
    kept = tuple(one for one in Instrument if one in like.instruments or one in muted)
    return replace(wishes, instruments=kept)


def orders_like(orders: SheetOrders, like: Likeness, mode: Mode) -> SheetOrders:
    """The orders, chords in the home key of `mode`, with what the song lends but its energy, where nothing is ordered.

    Who plays in a bar are those who may and who play in the song's bar, or who never play in the song; where that
    leaves nobody, all who may.
    """
    bars, sheet = like.form.bars, like.reference.template.sheet
    taken = bars != UNKNOWN
    begins = np.where(taken, like.form.begins, UNKNOWN)
    kit = np.where(taken & (like.players & _DRUMS > 0) & (sheet.kit[bars] > 0), sheet.kit[bars], UNKNOWN)
    kit[-1:] = UNKNOWN
    lags = lags_like(like)
    # A form of the user's own says where sections begin and what they repeat.
    own_form = bool((orders.letters != UNKNOWN).any())
    heard = sum(1 << instrument for instrument in like.instruments)
    may_play = orders.may_play & (like.players | ~heard)
    may_play = np.where(taken & (like.players > 0) & (may_play > 0), may_play, orders.may_play)
    must_play = orders.must_play | np.where(taken, like.players & ~_DRUMS, 0)  # drums are with their kit
    chords = like.chords(mode) if like.takes_chords else orders.chords
    return replace(
        orders,
        chords=_filled(orders.chords, chords),
        lags=orders.lags if own_form else _filled(orders.lags, lags),
        begins=orders.begins if own_form else _filled(orders.begins, begins),
        letters=orders.letters if own_form else _filled(orders.letters, like.letters),
        kit=_filled(orders.kit, kit),
        may_play=may_play,
        must_play=must_play & may_play,
    )


def with_energy_like(orders: SheetOrders, like: Likeness) -> SheetOrders:
    """The orders with the energy of the song's bars where none is ordered."""
    bars = like.form.bars
    energy = np.where(bars == UNKNOWN, UNKNOWN, like.reference.template.sheet.energy[bars])
    energy[-1:] = UNKNOWN
    return replace(orders, energy=_filled(orders.energy, energy))


def _filled(column: Column, other: Column) -> Column:
    return np.where(column == UNKNOWN, other, column)


def lags_like(like: Likeness) -> Column:
    """(n_bar,) how many bars earlier the bar lies that each bar repeats: as in the song where that bar is taken, too.

    Elsewhere it is the last bar that is like the same bar of the song, or like one that this repeats; 0 where there is
    none. The closing bar, and bars of which nothing is taken, are left open.
    """
    sheet = like.reference.template.sheet
    origins: list[int] = []
    for bar, lag in enumerate(sheet.lags.tolist()):
        origins.append(origins[bar - lag] if 0 < lag <= bar else bar)
    players = like.players
    last: dict[int, int] = {}
    lags = np.full(len(like.form.bars), UNKNOWN, np.int64)
    for bar, source in enumerate(like.form.bars.tolist()):
        if source == UNKNOWN:
            continue
        origin = origins[source]
        before = last.get(origin)
        own = int(sheet.lags[source])
        if 0 < own <= bar and like.form.bars[bar - own] == source - own and players[bar - own]:
            lags[bar] = own
        else:
            lags[bar] = bar - before if before is not None and bar - before <= MAX_LAG else 0
        if players[bar]:
            last[origin] = bar
    lags[-1:] = UNKNOWN
    return lags
