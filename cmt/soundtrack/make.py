"""From a video to its music: the main job from end to end, and the files it leaves."""

from __future__ import annotations

from pathlib import Path

from cmt.config import GenerateConfig
from cmt.film.part import WHOLE, Part
from cmt.machine.memory import check_disk
from cmt.machine.progress import Progress
from cmt.planning.wishes import Wishes
from cmt.report.description import Told
from cmt.soundtrack.commission import NOTHING_TOLD, commissioned
from cmt.soundtrack.delivering import Soundtrack
from cmt.soundtrack.looking import look
from cmt.soundtrack.networks import load_networks
from cmt.soundtrack.output import Output
from cmt.soundtrack.piece import compose_piece, deliver_piece, font_for, place_for, title_of
from cmt.soundtrack.source import File, Video
from cmt.soundtrack.stages import Stages
from midi_io.song import Instrument


def make_soundtrack(
    video: Video,
    folder: File,
    wishes: Wishes | None = None,
    config: GenerateConfig | None = None,
    *,
    output: Output | None = None,
    name: str | None = None,
    part: Part = WHOLE,
    checkpoint: File | None = None,
    soundfont: File | None = None,
    told: Told = NOTHING_TOLD,
    progress: Progress | None = None,
) -> Soundtrack:
    """Write music for `video` into `folder` as ``<name>.mid``, ``.wav``, ``.mp4``, ``.json`` and ``.png``.

    `output` may ask for another format than ``.wav``, and for a file of each instrument, ``<name>.drums.wav``.

    All files appear together at the end, or none does. Where a file of the name is there already, all have another one,
    such as ``<name>-2``, unless `output.overwrite` is set. Without a video, `wishes.length` or `wishes.bars` say how
    long the music is, and there is no mp4; then `config.control` has nothing to control and counts as 0.

    Parameters
    ----------
    video
        A video; or a picture, or several in order, of which a film is made (`cmt.planning.slides.place_slides`); or a
        video in memory or a rhythm, as `cmt.soundtrack.composer.Composer.compose` takes them.
    output
        Which files are written, and what becomes of the video's own sound; the defaults of `Output` if left out.
    name
        The name of the files, without a suffix; if left out the video's own, that of the folder of several pictures,
        ``music`` without either.
    part
        The part of the video that is scored and written; all times, in the wishes and in the report, count from its
        first picture.
    told
        What the report says of the description that the wishes come from (`cmt.meaning.wishing`).

    Raises
    ------
    CmtError
        If the video, the SoundFont, the checkpoint, a wish or the folder is of no use.
    """
    commission, folder = commissioned(video, wishes, config, output, part, told), Path(folder)
    title = title_of(commission, name, folder)
    font = font_for(commission.output, soundfont)
    stages = Stages(progress)
    with place_for(commission, folder, commission.output) as place:
        seen = look(commission, place.film, stages)
        if font is not None:
            n_stem = len(Instrument) if commission.output.stems else 0
            check_disk(seen.source.duration, commission.output.sample_rate, n_stem, place.folder)
        with stages.stage("load model"):
            networks = load_networks(checkpoint)
        piece = compose_piece(commission, seen, networks, stages)
        return deliver_piece(piece, place, title, commission.output, font, stages)
