"""A take made again from its report: as it was, or with one thing changed and all else left alone.

The notes come from the words that the report keeps, so that no model decides about them. What the change is decides
what is done with them: a few bars are written anew (`redo`), all of them in another genre, or none, and the finished
piece is moved to another key, slowed down, muted or played and written otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from cmt.config import TEMPO_LIMITS, GenerateConfig
from cmt.errors import CmtError
from cmt.film.ducking import mixer_for
from cmt.machine.files import folder_for_all_or_nothing
from cmt.machine.progress import Progress
from cmt.music.encoding import Words, decode
from cmt.music.key import Key, WishedKey, home_key, semitones_between
from cmt.music.lead_sheet import LeadSheet, empty_sheet
from cmt.music.notation import words_as_text, words_of_text
from cmt.music.words import Genre
from cmt.network.checkpoint import load_checkpoint
from cmt.planning.kept_plan import plan_as_kept
from cmt.planning.mutes import Mute, check_mutes, rests_by_bar, rests_of
from cmt.planning.plan import Plan
from cmt.planning.redo import Anew, Redo, anew_as_text, bars_anew, parse_redo
from cmt.planning.wishes import Wishes, check_config, settled
from cmt.planning.wishes_json import at_another_pace, mute_as_json, mute_from_json, wishes_as_json, wishes_from_json
from cmt.report.description import Told
from cmt.report.kept import Kept, Redone
from cmt.report.parts import Model, Take
from cmt.report.report import Report
from cmt.report.values import Value
from cmt.soundtrack.delivering import Delivery, Facts, Music, deliver
from cmt.soundtrack.edits import exchanged, exchanged_song, moved, muted, muted_song, octave_for
from cmt.soundtrack.keeping import read_kept, sha256_of
from cmt.soundtrack.make import WITHOUT_SOUND, Soundtrack, in_key
from cmt.soundtrack.naming import checked_name
from cmt.soundtrack.output import Output, check_output, output_as_json, output_from_json
from cmt.soundtrack.playing import accents_of, performance_of, performed
from cmt.soundtrack.report import versions
from cmt.soundtrack.stages import Stages
from cmt.writing.orders import BarOrders
from cmt.writing.pieces import WrittenPiece, write_pieces
from cmt.writing.rewriting import Rewriting
from midi_io import Performance, ready_soundfont
from midi_io.song import Knot, Song, Timeline
from video_rhythm import VideoRhythm, analyze

SAME_LENGTH = 0.05
"""A video that has changed still fits a take if it is longer or shorter by no more than these seconds."""


@dataclass(frozen=True)
class Changes:
    """What is to be other than in the take; all that is left out stays."""

    redo: tuple[Redo, ...] = ()
    """The bars that are written anew."""
    genre: Genre | None = None
    """The genre in which all notes are written anew, on the same grid, lead sheet and orders."""
    seed: int | None = None
    """The seed of what is written anew; None is one more than the last for `redo`, and the take's own for a genre."""
    temperature: float | None = None
    guidance: float | None = None
    key: WishedKey | None = None
    """The key to which the finished piece is moved; its mode is the take's."""
    tempo: float | None = None
    """The BPM of the finished piece, which has no video."""
    mutes: tuple[Mute, ...] = ()
    """The times at which notes are taken out of the finished piece."""
    output: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `Output`."""


class _Version(NamedTuple):
    """The words of a piece at some time, and what had been written anew then."""

    words: Words
    seed: int
    anew: Anew | None
    """None where all was."""


@dataclass(frozen=True)
class _Source:
    """A take as a report keeps it."""

    file: Path
    report: Report
    kept: Kept
    wishes: Wishes
    orders: Mapping[int, BarOrders]

    @property
    def config(self) -> GenerateConfig:
        return self.report.config


def make_again(
    report: str | os.PathLike[str],
    folder: str | os.PathLike[str] | None = None,
    changes: Changes | None = None,
    *,
    video: str | os.PathLike[str] | None = None,
    name: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    soundfont: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Soundtrack:
    """Write the files of a take again, from its report, with `changes`.

    Without changes they are the same byte for byte, but for times in the report, with the same versions of the
    libraries that it names.

    Parameters
    ----------
    folder
        Where the files go; the report's own folder if left out.
    video
        The video, where it is not where it was.
    name
        The name of the files; that of the take if left out.
    checkpoint
        The model that writes what is written anew; the shipped one if left out.

    Raises
    ------
    CmtError
        If the report is of no use, the video is missing or of another length, or a change cannot be.
    """
    changes = changes or Changes()
    source = _source(Path(report))
    _check(changes, source)
    output = _output(source, changes)
    title = checked_name(name if name is not None else source.kept.name)
    place = _video(source, None if video is None else Path(video))
    font = None if output.midi_only else ready_soundfont(soundfont, WITHOUT_SOUND)
    folder = source.file.parent if folder is None else Path(folder)
    stages = Stages(progress)
    with (
        folder_for_all_or_nothing(folder, overwrite=output.overwrite) as unfinished,
        ThreadPoolExecutor(1) as beside,
    ):
        with stages.stage("analyze") as report_progress:
            rhythm = analyze(place, report_progress) if place is not None else None
            sha256 = None if place is None else sha256_of(place)
            is_mixed = place is not None and output.original_audio == "mix"
            mixer = mixer_for(place, output.duck, output.loudness) if place is not None and is_mixed else None
            plan = _plan(source, rhythm, sha256)
        with stages.stage("load model"):
            loaded = load_checkpoint(None if checkpoint is None else Path(checkpoint)) if _is_writing(changes) else None
        with stages.stage("compose") as report_progress:
            if loaded is not None:
                source, plan = _written_anew(source, plan, changes, loaded.decoder, loaded.sha256, report_progress)
        music = _edited(source, plan, _played(source, plan, output), changes)
        kept = replace(
            music.kept,
            name=title,
            output=output_as_json(output),
            video_sha256=sha256,
        )
        model = source.report.checkpoint
        if loaded is not None and changes.genre is not None:
            model = Model(loaded.sha256, loaded.provenance)
        written, run = deliver(
            music.music,
            Delivery(folder, unfinished, title, place, output, font, mixer, stages, beside),
            Facts(
                Told(source.report.description, source.kept.told),
                model,
                kept,
                takes=lambda files: _takes(source.report.takes, files),
                late_warnings=(
                    *_differences(source, sha256, font),
                    *_about_writing(source, changes, None if loaded is None else loaded.sha256),
                    *music.warnings,
                ),
            ),
        )
        files = sorted(file.name for file in unfinished.iterdir())
    return Soundtrack(tuple(folder / file for file in files), written, run.name, run.notes)


def _source(file: Path) -> _Source:
    report, kept = read_kept(file)
    orders: dict[int, BarOrders] = {
        bar: BarOrders(density) for bar, density in enumerate(report.asked.density) if density is not None
    }
    for bar, position, instrument, strength in report.asked.strengths:
        its = orders.get(bar, BarOrders())
        orders[bar] = replace(its, strengths={**its.strengths, (position, instrument): strength})
    for bar, places in rests_by_bar(kept.rests).items():
        orders[bar] = replace(orders.get(bar, BarOrders()), rests=places)
    wishes = wishes_from_json(Value(kept.wishes, str(file), "kept.wishes"))
    return _Source(file, report, kept, wishes, orders)


def _is_writing(changes: Changes) -> bool:
    return bool(changes.redo) or changes.genre is not None


def _check(changes: Changes, source: _Source) -> None:
    """Raise a CmtError for changes that this take cannot have."""
    report = source.report
    if changes.genre is not None and changes.redo:
        raise CmtError("`genre` writes all bars of a take anew and `redo` some of them; leave one of them out")
    how_to_write = (changes.seed, changes.temperature, changes.guidance)
    if not _is_writing(changes) and any(setting is not None for setting in how_to_write):
        raise CmtError(
            "`seed`, `temperature` and `guidance` are for what is written anew; add `redo`, such as 9-12, or `genre`"
        )
    if changes.genre is not None and changes.genre == report.genre and changes.seed is None:
        raise CmtError(f"the take is {changes.genre.label} already; give a `seed` for other notes")
    if changes.key is not None and changes.key.mode not in (None, report.key.mode):
        raise CmtError(
            f"`key` {changes.key}: the take is in {report.key} and can be moved to another tonic, not to another mode; "
            "write a new piece for that"
        )
    if changes.tempo is not None:
        if changes.tempo not in TEMPO_LIMITS:
            raise CmtError(f"tempo {changes.tempo:g}: must be from {TEMPO_LIMITS.least:g} to {TEMPO_LIMITS.most:g} BPM")
        if report.picture is not None or report.markers:
            bound = "video" if report.picture is not None else "hits"
            raise CmtError(
                f"tempo {changes.tempo:g}: the bars of the take lie where its {bound} had them lie, and its tempo is "
                "theirs; leave it out, or write a new piece"
            )
    check_config(_config(source, changes))


def _config(source: _Source, changes: Changes) -> GenerateConfig:
    """How what is written anew is written."""
    config = source.config
    seed = changes.seed
    if seed is None:
        others = [redone.seed for redone in source.kept.redone]
        seed = max(config.seed, *others) + 1 if changes.redo and others else config.seed + bool(changes.redo)
    return replace(
        config,
        seed=seed,
        temperature=config.temperature if changes.temperature is None else changes.temperature,
        guidance=config.guidance if changes.guidance is None else changes.guidance,
    )


def _output(source: _Source, changes: Changes) -> Output:
    kept = output_from_json(Value(source.kept.output, str(source.file), "kept.output"))
    output = replace(kept, **changes.output)
    output = replace(output, programs={**kept.programs, **output.programs})
    check_output(output)
    return output


def _video(source: _Source, given: Path | None) -> Path | None:
    """The video of a take: the one that is given, else where it was, or beside the report."""
    picture = source.report.picture
    if picture is None:
        if given is not None:
            raise CmtError(f"{given}: the take in {source.file} was written without a video; leave it out")
        return None
    if given is not None:
        return given
    there = Path(picture.video)
    for place in (there, source.file.parent / there.name):
        if place.is_file():
            return place
    raise CmtError(f"{there}: the video of the take is not there any more; name it beside `report`")


def _plan(source: _Source, rhythm: VideoRhythm | None, sha256: str | None) -> Plan:
    """The plan of the take, and what is seen in its video now."""
    kept = source.kept
    duration = kept.timeline.duration
    if rhythm is not None and abs(rhythm.duration - duration) > SAME_LENGTH:
        raise CmtError(
            f"{rhythm.path}: lasts {rhythm.duration:.3f} s, the video of the take lasted {duration:.3f} s; give that "
            "one, or write a new piece"
        )
    if rhythm is not None and sha256 == kept.video_sha256:
        duration = rhythm.duration
    elif rhythm is None and source.wishes.length is not None:
        duration = source.wishes.length
    return plan_as_kept(rhythm, settled(source.wishes, duration), source.report, kept)


def _heard(source: _Source) -> LeadSheet:
    """The lead sheet as the network is told it, in its home key."""
    sheet = source.kept.lead_sheet
    if sheet is None:
        return empty_sheet(source.kept.timeline.n_bar)
    return replace(sheet, accents=frozenset(accents_of(source.orders)))


def _written_anew(
    source: _Source,
    plan: Plan,
    changes: Changes,
    decoder: Any,
    sha256: str,
    progress: Callable[[int, int], None],
) -> tuple[_Source, Plan]:
    """The take with other notes, in some bars or in all."""
    kept, report = source.kept, source.report
    config = _config(source, changes)
    request = replace(plan.request, tonic=kept.key.tonic, mode=kept.key.mode)
    if changes.genre is not None:
        plan = replace(plan, wishes=replace(plan.wishes, genre=changes.genre))
        request = replace(request, genre=changes.genre)
        (piece,) = write_pieces(decoder, request, [source.orders], config, [config.seed], progress, [_heard(source)])
        wishes = replace(source.wishes, genre=changes.genre)
        kept = replace(
            kept,
            wishes=wishes_as_json(wishes),
            bars=words_as_text(piece.words),
            left_out=tuple(decoder.config.left_out),
            impossible=piece.notes,
            redone=(),
        )
        report = replace(report, genre=changes.genre, config=config, takes=())
        return replace(source, report=report, kept=kept, wishes=wishes), plan
    if tuple(decoder.config.left_out) != kept.left_out:
        raise CmtError("`checkpoint`: it was trained without other attributes than the model of the take; leave it out")
    players = plan.sheet.instruments
    timeline = plan.timeline if kept.tempo is None else _at_tempo(plan.timeline, kept.tempo)
    anew = bars_anew(changes.redo, timeline, players)
    (piece,) = write_pieces(
        decoder,
        request,
        [source.orders],
        config,
        [config.seed],
        progress,
        [_heard(source)],
        Rewriting(kept.words, anew),
    )
    bars = words_as_text(piece.words)
    before = {bar: text for bar, text in enumerate(kept.bars) if text != bars[bar]}
    parts = anew_as_text(anew, players)
    redone = Redone(parts, config.seed, config.temperature, config.guidance, sha256, before)
    kept = replace(kept, bars=bars, redone=(*kept.redone, redone))
    return replace(source, kept=kept, report=replace(report, takes=())), plan


def _versions(source: _Source, plan: Plan) -> list[_Version]:
    """The words as they were written first, and after each time that some of them were written anew."""
    kept = source.kept
    versions: list[_Version] = []
    bars = list(kept.bars)
    try:
        for redone in reversed(kept.redone):
            anew = bars_anew([parse_redo(part) for part in redone.parts], plan.timeline, plan.sheet.instruments)
            versions.append(_Version(words_of_text(bars, kept.left_out), redone.seed, anew))
            for bar, text in redone.before.items():
                bars[bar] = text
        versions.append(_Version(words_of_text(bars, kept.left_out), source.config.seed, None))
    except (ValueError, IndexError, CmtError) as error:
        raise CmtError(
            f"{source.file}: kept.redone cannot be read ({error}); take the report as cmt wrote it"
        ) from None
    return versions[::-1]


class _Played(NamedTuple):
    """A piece as it is performed."""

    piece: WrittenPiece
    sheet: LeadSheet
    """The lead sheet in the key of the piece."""
    song: Song
    performance: Performance


def _played(source: _Source, plan: Plan, output: Output) -> _Played:
    """The take as it is performed: what was written anew by its own seed, all else as it was before."""
    key = source.kept.key
    sheet = in_key(_heard(source), key)
    shift = semitones_between(home_key(key.mode).tonic, key.tonic)
    song: Song | None = None
    performance: Performance | None = None
    for version in _versions(source, plan):
        written = decode(version.words, plan.timeline).transposed(shift)
        its = performed(written, source.orders, plan, sheet)
        band = None if performance is None else performance.band
        heard = performance_of(its, source.orders, plan, sheet, output, version.seed, band)
        if song is None or performance is None or version.anew is None:
            song, performance = its, heard
        else:
            song = exchanged_song(song, its, version.anew)
            performance = exchanged(performance, heard, version.anew)
    assert song is not None and performance is not None  # there is a first version
    piece = WrittenPiece(written, key, version.words, source.kept.impossible)
    return _Played(piece, sheet, song, performance)


class _Edited(NamedTuple):
    music: Music
    kept: Kept
    warnings: tuple[str, ...]


def _edited(source: _Source, plan: Plan, played: _Played, changes: Changes) -> _Edited:
    """The finished piece moved, at another pace, and muted, as it was before and as the changes say."""
    kept, warnings = source.kept, list[str]()
    song, performance = played.song, played.performance
    move = kept.moved
    if changes.key is not None and changes.key.tonic is not None:
        here = Key((kept.key.tonic + move) % 12, kept.key.mode)
        move += octave_for(song.transposed(move), semitones_between(here.tonic, changes.key.tonic))
    key = Key((kept.key.tonic + move) % 12, kept.key.mode)
    song, performance = song.transposed(move), moved(performance, move)

    mutes = [mute_from_json(Value(mute, str(source.file), "kept.muted")) for mute in kept.muted]
    before, tempo = plan.timeline, changes.tempo if changes.tempo is not None else kept.tempo
    if tempo is not None:
        timeline = _at_tempo(before, tempo)
        if changes.tempo is not None:
            slower = timeline.duration / (before if kept.tempo is None else _at_tempo(before, kept.tempo)).duration
            mutes = [mute._replace(begin=slower * mute.begin, end=slower * mute.end) for mute in mutes]
        wishes = at_another_pace(source.wishes, timeline.duration / before.duration, tempo)
        plan = plan_as_kept(None, settled(wishes, timeline.duration), source.report, replace(kept, timeline=timeline))
        song, performance = replace(song, timeline=timeline), replace(performance, timeline=timeline)

    check_mutes(changes.mutes, plan.timeline.duration)
    if mutes or changes.mutes:
        warnings = [
            f"`mutes` {mute}: {mute.instrument.label} plays nothing there"
            for mute in changes.mutes
            if muted_song(song, rests_of([mute], plan.timeline)) == song
        ]
        mutes += changes.mutes
        rests = rests_of(mutes, plan.timeline)
        song, performance = muted_song(song, rests), muted(performance, rests)
        if not song.notes:
            raise CmtError("`mutes`: nothing is left to play; leave one out")
        plan = replace(plan, wishes=replace(plan.wishes, mutes=(*plan.wishes.mutes, *mutes)))

    kept = replace(kept, moved=move, tempo=tempo, muted=tuple(mute_as_json(mute) for mute in mutes))
    piece = replace(played.piece, song=song, key=key)
    sheet = played.sheet.transposed(move)
    music = Music(plan, source.orders, sheet, piece, song, performance, source.config)
    return _Edited(music, kept, tuple(warnings))


def _at_tempo(timeline: Timeline, tempo: float) -> Timeline:
    if len(timeline.knots) == 2:
        return Timeline.steady(tempo, timeline.length, timeline.start)
    slower = timeline.tempo / tempo
    return Timeline(tuple(Knot(position, slower * seconds) for position, seconds in timeline.knots), timeline.length)


def _takes(takes: Sequence[Take], files: Sequence[str]) -> tuple[Take, ...]:
    """The judgements, with the files that are written now: that of the best take alone."""
    return tuple(replace(take, file=files[0] if number == 0 else None) for number, take in enumerate(takes))


def _differences(source: _Source, sha256: str | None, font: Path | None) -> list[str]:
    """What is not as it was when the take was written."""
    report, kept = source.report, source.kept
    warnings = []
    if sha256 != kept.video_sha256:
        warnings.append("the video has changed since the take was written: the notes stay, and may fit it no more")
    others = [name for name, version in versions().items() if report.versions.get(name) != version]
    if others:
        warnings.append(
            f"the take was written with other versions of {', '.join(others)}: its notes stay, its sound may differ"
        )
    if font is not None and report.soundfont is not None and font.name != report.soundfont:
        warnings.append(f"`soundfont`: {font.name} plays, the take was played by {report.soundfont}")
    return warnings


def _about_writing(source: _Source, changes: Changes, sha256: str | None) -> list[str]:
    """What is to say of what was written anew."""
    if not changes.redo:
        return []
    redone = source.kept.redone[-1]
    warnings = []
    if sha256 != source.report.checkpoint.sha256:
        warnings.append("`checkpoint`: what is written anew comes from another model than the rest of the take")
    if not redone.before:
        warnings.append(
            "`redo`: what was written anew is what stood there before; the plan lets nobody else play there, or try "
            "another `seed`"
        )
    return warnings
