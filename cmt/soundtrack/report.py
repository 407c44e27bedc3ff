"""What is reported of a plan and the piece that was written to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from itertools import zip_longest
from typing import TYPE_CHECKING

from cmt.config import GenerateConfig
from cmt.film.ducking import Mixer
from cmt.grid.hits import Marker
from cmt.music.lead_sheet import LeadSheet
from cmt.music.profile import RhythmProfile, profile_of_song
from cmt.planning.calibration import read_calibration
from cmt.planning.mood import scenes_seen
from cmt.planning.plan import Plan
from cmt.report.parts import (
    Asked,
    EnergyAsked,
    EnergyStretch,
    MuteAsked,
    StrengthAsked,
    Take,
    chords_of,
    grid_of,
    picture_of,
    sections_of,
)
from cmt.report.report import Report
from cmt.report.speech import Speech
from cmt.writing.orders import BarOrders
from cmt.writing.pieces import WrittenPiece
from midi_io.song import POSITIONS_PER_BEAT, Song

if TYPE_CHECKING:
    from cmt.soundtrack.takes import Judgement

LIBRARIES = ("video-cmt", "numpy", "av")
"""The version of each of these is reported."""


def report_of(
    plan: Plan,
    piece: WrittenPiece,
    song: Song,
    orders: Mapping[int, BarOrders],
    sheet: LeadSheet,
    config: GenerateConfig,
) -> Report:
    """The report on a piece as far as it is known before the files are written.

    Parameters
    ----------
    song
        The piece as it is performed.
    orders
        The orders of the piece, by bar.
    sheet
        The lead sheet of the piece, in its key.
    config
        How the piece was written, with its own seed.
    """
    wishes, duration = plan.wishes, plan.timeline.duration
    names = {section.begin: section.label for section in plan.sections if section.label is not None}
    return Report(
        picture=None if plan.rhythm is None else picture_of(plan.rhythm, plan.timeline.bar_borders),
        duration=duration,
        grid=grid_of(plan.timeline, plan.hits),
        length_in_beats=(song.length - song.start) / POSITIONS_PER_BEAT,
        markers=tuple(Marker(marker.time, marker.weight) for marker in wishes.markers),
        energy=_energy(plan),
        energy_per_bar=plan.energies,
        mutes=tuple(MuteAsked(mute.instrument, mute.begin, min(mute.end, duration)) for mute in wishes.mutes),
        genre=wishes.genre,
        instruments=song.instruments,
        instruments_asked=plan.players,
        key=piece.key,
        config=config,
        n_word=len(piece.words.fields),
        asked=_asked(orders, song.n_bar),
        obtained=_obtained(song),
        versions=versions(config.int8),
        chords=chords_of(sheet, piece.key),
        form=sections_of(sheet, plan.timeline, names),
        scenes=() if plan.rhythm is None else scenes_seen(plan.rhythm, read_calibration()),
        mood_per_bar=plan.moods,
        loop=wishes.loop,
    )


def versions(int8: bool = False) -> dict[str, str | None]:
    """The version of each of `LIBRARIES`, and of what computes in 8 bits; None of one not installed as a package."""
    return {name: _version(name) for name in (*LIBRARIES, *["onnxruntime"] * int8)}


def speech_of(mixer: Mixer | None, plan: Plan) -> Speech | None:
    """What was found and done where the music is mixed with the video's own sound; None where it is not."""
    if mixer is None:
        return None
    found = Speech(mixer.distance, mixer.spans, tuple(sorted(plan.calm_bars)))
    if mixer.made is None:
        return found
    mix = mixer.made
    heard = round(mix.loudness, 2) if math.isfinite(mix.loudness) else None
    return replace(found, curve=mix.curve, gain=round(mix.gain, 2), loudness=heard)


def takes_of(judgements: Sequence[Judgement], files: Sequence[str]) -> tuple[Take, ...]:
    """The judgement of each take, the best first; `files` are the names of those that were kept, the best ones."""
    return tuple(
        Take(
            seed=judgement.seed,
            file=file,
            rejected=judgement.reasons,
            score=round(judgement.score, 4),
            match=None if judgement.match is None else round(judgement.match, 4),
            likeness=None if judgement.likeness is None else round(judgement.likeness, 4),
            unlike_real_songs=judgement.outside,
            mood=None if judgement.mood is None else round(judgement.mood, 4),
            reason=judgement.in_words,
            replaced=judgement.replaced,
            realism=None if judgement.realism is None else round(judgement.realism, 4),
            genre=None if judgement.genre is None else round(judgement.genre, 4),
        )
        for judgement, file in zip_longest(judgements, files[: len(judgements)])
    )


def warnings_of_takes(takes: Sequence[Take]) -> tuple[str, ...]:
    """A line where no take is a sound one; a single one is judged only where it is one of several, and not the best."""
    if not takes or not takes[0].rejected:
        return ()
    reasons = "; ".join(takes[0].rejected)
    if len(takes) == 1:
        return (f"the take was rejected: {reasons}",)
    n_written = sum(1 + len(take.replaced) for take in takes)
    return (
        f"all takes were rejected, {n_written} of them, and the least bad is the music all the same ({reasons}); try "
        "another `seed`",
    )


def _energy(plan: Plan) -> EnergyAsked | None:
    """The energy as the user gave it."""
    energy = plan.wishes.energy
    if energy is None:
        return None
    end = plan.timeline.duration
    return EnergyAsked(
        source=energy.source,
        stretches=tuple(
            EnergyStretch(begin=begin, end=end if math.isinf(until) else until, first=first, last=last)
            for begin, until, first, last in energy.stretches
        ),
    )


def _asked(orders: Mapping[int, BarOrders], n_bar: int) -> Asked:
    return Asked(
        density=tuple(orders[bar].density if bar in orders else None for bar in range(n_bar)),
        strengths=tuple(
            StrengthAsked(bar=bar, position=position, instrument=instrument, strength=strength)
            for bar, order in sorted(orders.items())
            for (position, instrument), strength in sorted(order.strengths.items())
        ),
    )


def _obtained(song: Song) -> RhythmProfile:
    """The rhythm of a song, a density for each of its bars."""
    profile = profile_of_song(song)
    n_bar = song.n_bar
    return profile._replace(density=(*profile.density, *[0] * n_bar)[:n_bar])


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
