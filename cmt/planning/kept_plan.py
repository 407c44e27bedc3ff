"""The plan of a piece that is there already: what was decided is taken as it was, and nothing is drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cmt.grid.hits import hits_of
from cmt.music.lead_sheet import no_orders
from cmt.music.profile import RhythmProfile
from cmt.planning.calibration import read_calibration
from cmt.planning.mood import mood_of_video, moods_of_bars
from cmt.planning.outline import sections_of_wishes
from cmt.planning.plan import Plan
from cmt.planning.sheet import Sheet
from cmt.planning.telling import ToldOfBar, thirds_of
from cmt.planning.wishes import ALL_INSTRUMENTS, Settled
from cmt.report.kept import Kept
from cmt.report.report import Report
from cmt.writing.closing import ALL_ENDINGS
from video_rhythm import VideoRhythm


def plan_as_kept(rhythm: VideoRhythm | None, wishes: Settled, report: Report, kept: Kept) -> Plan:
    """The plan of a piece that a report keeps.

    Parameters
    ----------
    rhythm
        What is seen in its video now.
    wishes
        The wishes that it keeps, for the duration of `kept.timeline`.
    """
    wishes = replace(wishes, instruments=report.instruments_asked, genre=report.genre)
    grid = kept.timeline
    sheet = Sheet(grid, wishes.instruments or ALL_INSTRUMENTS, kept.rests, ALL_ENDINGS[kept.ending])
    calibration = read_calibration()
    density: Sequence[int] = [0 if bar is None else bar for bar in report.asked.density]
    mood = mood_of_video(rhythm, calibration) if rhythm is not None else None
    thirds = thirds_of(wishes.mood, mood if report.config.control > 0 else None)
    return Plan(
        rhythm=rhythm,
        wishes=wishes,
        hits=hits_of(rhythm, wishes.markers),
        sheet=sheet,
        asked=RhythmProfile(tuple(density), report.asked.simu_notes),
        liveliness=kept.liveliness,
        scenes=(),
        mood=mood,
        thirds=thirds,
        told=(ToldOfBar(thirds),) * grid.n_bar,
        moods=moods_of_bars(rhythm, calibration, grid.bar_borders) if rhythm is not None else (),
        paces=kept.paces,
        energies=report.energy_per_bar,
        calm_bars=frozenset(kept.calm_bars),
        marked=frozenset(),
        sections=sections_of_wishes(wishes, grid)[0],
        sheet_orders=no_orders(grid.n_bar),
        warnings=kept.warned,
    )
