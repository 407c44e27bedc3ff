"""What a report keeps of a piece, and how it is told from a file whether that can be made again."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import IO

from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.film.part import WHOLE
from cmt.music.key import home_key, semitones_between
from cmt.music.lead_sheet import LeadSheet
from cmt.music.notation import sheet_as_text, words_as_text
from cmt.planning.plan import Plan
from cmt.planning.wishes import Wishes
from cmt.planning.wishes_json import wishes_as_json
from cmt.report.description import Told
from cmt.report.kept import Kept
from cmt.report.report import Report
from cmt.report.values import Value
from cmt.soundtrack.output import Output, output_as_json
from cmt.soundtrack.source import Material
from cmt.writing.closing import ALL_ENDINGS
from cmt.writing.pieces import WrittenPiece
from midi_io.input_file import json_of
from midi_io.limits import MOST_REPORT_BYTES
from video_rhythm.given import file_object, is_content, place_in

_CHUNK = 1 << 20


def kept_of(
    plan: Plan,
    piece: WrittenPiece,
    sheet: LeadSheet,
    wishes: Wishes,
    config: GenerateConfig,
    output: Output,
    told: Told,
    *,
    title: str,
    material: Material,
    sha256: str | None,
    left_out: Collection[str],
) -> Kept:
    """All that a piece is made of.

    Parameters
    ----------
    sheet
        The lead sheet in the key of the piece, as the network was told it; without accents if it has none.
    wishes, config, output
        As they were given: the seed is that by which the plan was drawn.
    sha256
        The hash of `hash_of_material`.
    """
    at_home = sheet.transposed(semitones_between(piece.key.tonic, home_key(piece.key.mode).tonic))
    has_sheet = sheet.accents is not None
    return Kept(
        name=title,
        seed=config.seed,
        wishes=wishes_as_json(wishes),
        output=output_as_json(output),
        video_sha256=sha256,
        part=None if material.part == WHOLE else (material.part.begin, material.part.end),
        timeline=plan.timeline,
        ending=next(name for name, ending in ALL_ENDINGS.items() if ending == plan.sheet.ending),
        rests=plan.sheet.rests,
        liveliness=tuple(float(bar) for bar in plan.liveliness),
        paces=tuple(None if bar is None else float(bar) for bar in plan.paces),
        calm_bars=tuple(sorted(plan.calm_bars)),
        key=piece.key,
        sheet=sheet_as_text(at_home) if has_sheet else None,
        sheet_mode=sheet.mode if has_sheet else None,
        left_out=tuple(left_out),
        bars=words_as_text(piece.words),
        told=told.warnings,
        warned=plan.warnings,
        impossible=piece.notes,
    )


def hash_of_material(material: Material) -> str | None:
    """The hash of the video's file, or of the hashes of the pictures; None where there is neither."""
    if is_content(material.given):
        return sha256_of_content(material.given)
    hashes = [sha256_of(file) for file in material.files]
    if material.pictures:
        return hashlib.sha256(" ".join(hashes).encode()).hexdigest()
    return hashes[0] if hashes else None


def sha256_of(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return _sha256(file)


def sha256_of_content(video: bytes | IO[bytes]) -> str:
    """The hash of what would be a video's file; a file object stands where it stood."""
    place, file = place_in(video), file_object(video)
    digest = _sha256(file)
    if place is not None:
        file.seek(place)
    return digest


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def read_kept(path: Path) -> tuple[Report, Kept]:
    """A report, and what it keeps.

    Raises
    ------
    CmtError
        If it cannot be read, is damaged, or keeps nothing.
    """
    try:
        content = json_of(path, MOST_REPORT_BYTES)
    except ValueError as error:
        raise CmtError(f"{path}: is no report of cmt generate ({error}); name a clip.json that it wrote") from None
    report = Report.from_json(content, str(path))
    if report.kept is None:
        raise CmtError(
            f"{path}: an earlier version of cmt wrote it and kept no notes; write the piece once more, with its seed "
            f"{report.config.seed}"
        )
    if report.kept.ending not in ALL_ENDINGS:
        raise Value(report.kept.ending, str(path), "kept.ending").fault(f"one of {', '.join(ALL_ENDINGS)}")
    if len(report.asked.density) != report.kept.timeline.n_bar or len(report.energy_per_bar) != len(report.kept.bars):
        raise CmtError(f"{path}: its parts speak of different numbers of bars; write the piece once more")
    return report, report.kept
