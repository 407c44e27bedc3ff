"""A take as a report keeps it: its wishes and orders, and what it was written for, found and looked at again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.film.part import WHOLE, Part
from cmt.machine.plural import count
from cmt.planning.control import slack_of
from cmt.planning.mutes import rests_by_bar
from cmt.planning.wishes import Wishes
from cmt.planning.wishes_json import wishes_from_json
from cmt.report.kept import Kept
from cmt.report.report import Report
from cmt.report.values import Value
from cmt.soundtrack.keeping import read_kept
from cmt.soundtrack.source import Material, Progress, Source, are_pictures, look_at_material, shown_at
from cmt.writing.orders import BarOrders


@dataclass(frozen=True)
class KeptTake:
    """A take as a report keeps it."""

    file: Path
    report: Report
    kept: Kept
    wishes: Wishes
    orders: Mapping[int, BarOrders]

    @property
    def config(self) -> GenerateConfig:
        """How it was written, with its own seed."""
        return self.report.config


def read_take(file: Path) -> KeptTake:
    """The take in a report.

    Raises
    ------
    CmtError
        If the report is of no use.
    """
    report, kept = read_kept(file)
    orders: dict[int, BarOrders] = {
        bar: BarOrders(density, slack=slack_of(report.config.control) if energy is None else 0)
        for bar, (density, energy) in enumerate(zip(report.asked.density, report.energy_per_bar, strict=True))
        if density is not None
    }
    for bar, position, instrument, strength in report.asked.strengths:
        its = orders.get(bar, BarOrders())
        orders[bar] = replace(its, strengths={**its.strengths, (position, instrument): strength})
    for bar, places in rests_by_bar(kept.rests).items():
        orders[bar] = replace(orders.get(bar, BarOrders()), rests=places)
    wishes = wishes_from_json(Value(kept.wishes, str(file), "kept.wishes"))
    return KeptTake(file, report, kept, wishes, orders)


def material_of(take: KeptTake, given: Sequence[Path]) -> Material:
    """What a take was written for: the files that are given, else those that were, there or beside the report.

    Raises
    ------
    CmtError
        If a file is missing, or what is given is something else than it was.
    """
    report, part = take.report, WHOLE if take.kept.part is None else Part(*take.kept.part)
    if report.picture is None:
        if given:
            raise CmtError(f"{given[0]}: the take in {take.file} was written without a video; leave it out")
        return Material()
    if not report.pictures:
        if len(given) > 1:
            raise CmtError(f"{given[1]}: the take in {take.file} was written for one video; name that one")
        return Material((given[0] if given else _found(take, Path(report.picture.video), "video"),), part=part)
    files = tuple(given) or tuple(_found(take, Path(shown.file), "picture") for shown in report.pictures)
    if not are_pictures(files):
        raise CmtError(f"{files[0]}: is no picture that can be read, and the take in {take.file} shows pictures")
    if len(files) != len(report.pictures):
        raise CmtError(
            f"{files[0]}: {count(len(files), 'picture')}, where the take in {take.file} shows {len(report.pictures)}; "
            "name as many"
        )
    return Material(files, pictures=True)


def _found(take: KeptTake, there: Path, what: str) -> Path:
    for place in (there, take.file.parent / there.name):
        if place.is_file():
            return place
    if what == "picture":
        raise CmtError(f"{there}: a picture of the take is not there any more; name all its pictures beside `report`")
    raise CmtError(f"{there}: the video of the take is not there any more; name it beside `report`")


def look_again(take: KeptTake, material: Material, film: Path | None, progress: Progress | None = None) -> Source:
    """What the take was written for, as it is seen now; pictures are shown when they were.

    `film` is the video or the film of its part; `progress` is as in `look_at`.

    Raises
    ------
    CmtError
        If a file is of no use.
    """
    if not material.files:
        return Source(take.kept.timeline.duration)
    source = look_at_material(material, film, take.wishes, progress)
    shown = take.report.pictures
    return shown_at(source, [*(picture.begin for picture in shown), shown[-1].end]) if shown else source
