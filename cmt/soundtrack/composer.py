"""Music for programs: the networks are loaded once, and every piece stays in memory until its files are asked for."""

from __future__ import annotations

from cmt.config import GenerateConfig
from cmt.film.part import WHOLE, Part
from cmt.machine.progress import Progress
from cmt.planning.wishes import Wishes
from cmt.report.description import Told
from cmt.soundtrack.commission import NOTHING_TOLD, commissioned
from cmt.soundtrack.looking import look
from cmt.soundtrack.networks import load_networks
from cmt.soundtrack.output import Output
from cmt.soundtrack.piece import Piece, compose_piece
from cmt.soundtrack.source import File, Video, film_for
from cmt.soundtrack.stages import Stages
from midi_io import find_soundfont


class Composer:
    """Composes pieces, for videos and without any, by networks that are loaded when it is made.

    It may be used by several threads at once: each piece depends on what is asked, and on nothing that another one
    left.

    Parameters
    ----------
    checkpoint
        The model that writes the notes; the one that comes with the program if left out.
    soundfont
        The SoundFont that plays the pieces; the one that `midi_io.find_soundfont` finds if left out. It and FluidSynth
        are needed for sound only.

    Raises
    ------
    CmtError
        If the checkpoint is missing, damaged, or was trained on other words.
    SynthesisError
        If there is no such SoundFont.
    """

    def __init__(self, checkpoint: File | None = None, soundfont: File | None = None) -> None:
        self._networks = load_networks(checkpoint)
        self._soundfont = None if soundfont is None else find_soundfont(soundfont)

    def compose(
        self,
        video: Video = None,
        wishes: Wishes | None = None,
        config: GenerateConfig | None = None,
        *,
        output: Output | None = None,
        part: Part = WHOLE,
        told: Told = NOTHING_TOLD,
        progress: Progress | None = None,
    ) -> Piece:
        """Compose music for `video`, or without one as long as `wishes.length` or `wishes.bars` say.

        The same arguments give the same piece, and `make_soundtrack` writes the same notes for them. Nothing stays on
        disk.

        Parameters
        ----------
        video
            The path of a video; its content, as bytes or a file object that can seek; `Frames`; the rhythm that
            `analyze` measured; or a picture, or several in order, of which a film is made.
        wishes, config
            What the music is, and how it is written; the defaults of both if left out.
        output
            How it is played, and which files `Piece.save` writes. With `original_audio` ``mix`` the speech of the video
            is looked for, under which notes are calm; content is written into a temporary file for that.
        part
            The part of the video that music is written for. It is cut into a temporary file, as long as it is looked
            at.
        told
            What the report says of the description that the wishes come from (`cmt.meaning.wishing`).
        progress
            A function that is called with the name of a stage, how much of it is done and how much there is to do. What
            it raises, such as `Cancelled`, ends the work and comes out of this method.

        Raises
        ------
        CmtError
            If the video or a wish is of no use.
        """
        commission = commissioned(video, wishes, config, output, part, told)
        stages = Stages(progress)
        with film_for(commission.material, needed=commission.needs_file) as film:
            seen = look(commission, film, stages)
        return compose_piece(commission, seen, self._networks, stages, self._soundfont)
