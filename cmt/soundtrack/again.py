"""A take made again from its report: as it was, or with one thing changed and all else left alone.

The notes come from the words that the report keeps, so that no model decides about them. What the change is decides
what is done with them: a few bars are written anew (`redo`), all of them in another genre, or none, and the finished
piece is moved to another key, slowed down, muted or played and written otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from cmt.config import AUDIO_FORMAT, TEMPO_LIMITS, GenerateConfig
from cmt.errors import CmtError
from cmt.film.ducking import mixer_for
from cmt.film.part import part_of
from cmt.machine.files import folder_for_all_or_nothing
from cmt.machine.progress import Progress
from cmt.music.encoding import Words, decode
from cmt.music.key import Key, WishedKey, home_key, semitones_between
from cmt.music.lead_sheet import LeadSheet, empty_sheet
from cmt.music.notation import words_as_text, words_of_text
from cmt.music.words import Genre
from cmt.network.checkpoint import default_checkpoint, load_checkpoint
from cmt.planning.kept_plan import plan_as_kept
from cmt.planning.mutes import Mute, check_mutes, rests_of
from cmt.planning.plan import Plan
from cmt.planning.redo import Anew, Redo, anew_as_text, bars_anew, parse_redo
from cmt.planning.wishes import check_config, settled
from cmt.planning.wishes_json import at_another_pace, mute_as_json, mute_from_json, wishes_as_json
from cmt.report.description import Told
from cmt.report.kept import Kept, Redone
from cmt.report.parts import Model, Take
from cmt.report.values import Value
from cmt.soundtrack.composing import in_key
from cmt.soundtrack.delivering import WITHOUT_SOUND, Delivery, Facts, Music, Soundtrack, deliver
from cmt.soundtrack.edits import exchanged, exchanged_song, moved, muted, muted_song, octave_for
from cmt.soundtrack.handing import check_fit
from cmt.soundtrack.keeping import hash_of_material, sha256_of
from cmt.soundtrack.kept_take import KeptTake, look_again, material_of, read_take
from cmt.soundtrack.like import like_again
from cmt.soundtrack.naming import OldFiles, checked_name, notes_on_old_files, old_files, remove_stale
from cmt.soundtrack.networks import check_arithmetic
from cmt.soundtrack.output import Output, check_output, for_film, output_as_json, output_from_json
from cmt.soundtrack.playing import accents_of, performance_of, performed
from cmt.soundtrack.report import versions
from cmt.soundtrack.source import File, files_of
from cmt.soundtrack.stages import Stages
from cmt.writing.pieces import WrittenPiece, write_pieces
from cmt.writing.rewriting import Rewriting
from midi_io import Performance, ready_soundfont
from midi_io.song import Knot, Song, Timeline
from video_rhythm import VideoRhythm

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
    int8: bool | None = None
    """Whether what is written anew is computed in 8 bits; None is as the take was."""
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


def make_again(
    report: File,
    folder: File | None = None,
    changes: Changes | None = None,
    *,
    video: File | Sequence[File] | None = None,
    name: str | None = None,
    checkpoint: File | None = None,
    soundfont: File | None = None,
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
        The video, or the pictures in order, where they are not where they were.
    name
        The name of the files; that of the take if left out.
    checkpoint
        The model that writes what is written anew; the shipped one if left out.

    Raises
    ------
    CmtError
        If the report is of no use, the video or a picture is missing, the video is of another length, or a change
        cannot be.
    """
    changes = changes or Changes()
    source = read_take(Path(report))
    _check(changes, source)
    asked = output = _output(source, changes)
    title = checked_name(name if name is not None else source.kept.name)
    material = material_of(source, files_of(video))
    font = None if output.midi_only else ready_soundfont(soundfont, WITHOUT_SOUND)
    folder = source.file.parent if folder is None else Path(folder)
    stages = Stages(progress)
    notes: list[str] = []
    with (
        folder_for_all_or_nothing(folder, overwrite=output.overwrite) as unfinished,
        part_of(material.video, material.part, folder, notes) as film,
        ThreadPoolExecutor(1) as beside,
    ):
        with stages.stage("analyze") as report_progress:
            seen = look_again(source, material, film, report_progress)
            sha256 = hash_of_material(material)
            output, lines = for_film(output, film)
            seen = seen._replace(warnings=(*seen.warnings, *notes, *lines))
            is_mixed = film is not None and output.original_audio == "mix"
            mixer = mixer_for(film, output.duck, output.loudness) if film is not None and is_mixed else None
            plan = _plan(source, seen.rhythm, sha256)
        with stages.stage("load model"):
            loaded = load_checkpoint(None if checkpoint is None else Path(checkpoint)) if _is_writing(changes) else None
        with stages.stage("compose") as report_progress:
            if loaded is not None:
                source, plan = _written_anew(source, plan, changes, loaded.decoder, loaded.sha256, report_progress)
        music = _edited(source, plan, _played(source, plan, output), changes)
        timeline, fps = music.music.plan.timeline, None if seen.rhythm is None else seen.rhythm.fps
        check_fit(output, timeline.duration, fps, loop=plan.wishes.loop)
        kept = replace(music.kept, name=title, output=output_as_json(asked), video_sha256=sha256)
        slower = timeline.duration / source.report.duration
        like, about_like = like_again(source.report, music.music.song, slower, is_written_anew=loaded is not None)
        model = source.report.checkpoint
        if loaded is not None and changes.genre is not None:
            model = Model(loaded.sha256, loaded.provenance)
        is_ours = output.origin and _is_ours(model, kept.redone)
        written, run = deliver(
            music.music,
            Delivery(folder, unfinished, title, material, seen, output, font, is_ours, mixer, stages, beside),
            Facts(
                Told(source.report.description, source.kept.told),
                model,
                kept,
                takes=lambda files: _takes(source.report.takes, files),
                like=like,
                late_warnings=(
                    *_differences(source, sha256, font),
                    *_about_writing(source, changes, None if loaded is None else loaded.sha256),
                    *about_like,
                    *music.warnings,
                ),
            ),
        )
        files = sorted(file.name for file in unfinished.iterdir())
        old = old_files(folder, run.name, files, material) if output.overwrite else OldFiles()
    remove_stale(old.ours)
    lines = (*run.notes, *notes_on_old_files([], old))
    return Soundtrack(tuple(folder / file for file in files), written, run.name, lines)


def _is_writing(changes: Changes) -> bool:
    return bool(changes.redo) or changes.genre is not None


def _check(changes: Changes, source: KeptTake) -> None:
    """Raise a CmtError for changes that this take cannot have."""
    report = source.report
    if changes.genre is not None and changes.redo:
        raise CmtError("`genre` writes all bars of a take anew and `redo` some of them; leave one of them out")
    how_to_write = (changes.seed, changes.temperature, changes.guidance, changes.int8)
    if not _is_writing(changes) and any(setting is not None for setting in how_to_write):
        raise CmtError(
            "`seed`, `temperature`, `guidance` and `int8` are for what is written anew; add `redo`, such as 9-12, or "
            "`genre`"
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
    config = _config(source, changes)
    check_config(config)
    if _is_writing(changes):
        check_arithmetic(config, "`int8`" if changes.int8 else "`int8`, as the take was written,")


def _config(source: KeptTake, changes: Changes) -> GenerateConfig:
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
        int8=config.int8 if changes.int8 is None else changes.int8,
    )


def _output(source: KeptTake, changes: Changes) -> Output:
    kept, asked = output_from_json(Value(source.kept.output, str(source.file), "kept.output")), changes.output
    if asked.get("midi_only"):
        kept = replace(kept, stems=False, format=AUDIO_FORMAT)
    if asked.get("format", kept.format) != kept.format:
        kept = replace(kept, bit_depth=None)
    output = replace(kept, **asked)
    output = replace(output, programs={**kept.program_numbers, **output.program_numbers})
    check_output(output)
    return output


def _plan(source: KeptTake, rhythm: VideoRhythm | None, sha256: str | None) -> Plan:
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


def _heard(source: KeptTake) -> LeadSheet:
    """The lead sheet as the network is told it, in its home key."""
    sheet = source.kept.lead_sheet
    if sheet is None:
        return empty_sheet(source.kept.timeline.n_bar)
    return replace(sheet, accents=frozenset(accents_of(source.orders)))


def _written_anew(
    source: KeptTake,
    plan: Plan,
    changes: Changes,
    decoder: Any,
    sha256: str,
    progress: Callable[[int, int], None],
) -> tuple[KeptTake, Plan]:
    """The take with other notes, in some bars or in all."""
    kept, report = source.kept, source.report
    config = _config(source, changes)
    decoder = decoder.quantized() if config.int8 else decoder
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
    redone = Redone(parts, config.seed, config.temperature, config.guidance, sha256, before, config.int8)
    kept = replace(kept, bars=bars, redone=(*kept.redone, redone))
    return replace(source, kept=kept, report=replace(report, takes=())), plan


def _versions(source: KeptTake, plan: Plan) -> list[_Version]:
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


def _played(source: KeptTake, plan: Plan, output: Output) -> _Played:
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


def _edited(source: KeptTake, plan: Plan, played: _Played, changes: Changes) -> _Edited:
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


def _is_ours(model: Model, redone: Sequence[Redone]) -> bool:
    """Whether all notes come from the model that comes with the program."""
    return {model.sha256, *(one.checkpoint for one in redone)} == {sha256_of(default_checkpoint())}


def _differences(source: KeptTake, sha256: str | None, font: Path | None) -> list[str]:
    """What is not as it was when the take was written."""
    report, kept = source.report, source.kept
    warnings = []
    if sha256 != kept.video_sha256:
        what, it = ("the pictures have", "them") if report.pictures else ("the video has", "it")
        warnings.append(f"{what} changed since the take was written: the notes stay, and may fit {it} no more")
    others = [name for name, version in versions().items() if report.versions.get(name) != version]
    if others:
        warnings.append(
            f"the take was written with other versions of {', '.join(others)}: its notes stay, its sound may differ"
        )
    if font is not None and report.soundfont is not None and font.name != report.soundfont:
        warnings.append(f"`soundfont`: {font.name} plays, the take was played by {report.soundfont}")
    return warnings


def _about_writing(source: KeptTake, changes: Changes, sha256: str | None) -> list[str]:
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
