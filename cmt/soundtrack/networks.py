"""The networks that write music, loaded once for many pieces."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.network.checkpoint import Checkpoint, load_checkpoint
from cmt.network.decoder import Decoder
from cmt.network.planner import Planner, load_planner
from cmt.network.quantized import check_quantizing
from cmt.planning.plan import Plan
from cmt.soundtrack.source import File


@dataclass(frozen=True)
class Networks:
    """What writes the notes, and what writes the lead sheets that it hears.

    Writing changes nothing in them: several threads may write with the same ones.
    """

    checkpoint: Checkpoint
    planner: Planner | None
    """None if the notes are written without lead sheets."""
    is_ours: bool
    """Whether they are the ones that come with the program."""

    @property
    def decoder(self) -> Decoder:
        """What writes the notes."""
        return self.checkpoint.decoder

    @cached_property
    def _quantized(self) -> Decoder:
        return self.decoder.quantized()

    def decoder_for(self, config: GenerateConfig) -> Decoder:
        """What writes the notes as `config` says: with 32 bits or 8.

        Raises
        ------
        CmtError
            If the network cannot be computed in 8 bits.
        """
        return self._quantized if config.int8 else self.decoder

    def check(self, plan: Plan) -> None:
        """Raise a CmtError if a plan asks for what only a lead sheet keeps, and there is none."""
        wishes = plan.wishes
        if self.planner is None and (wishes.chords is not None or wishes.form is not None or plan.like is not None):
            raise CmtError(
                "`checkpoint`: it was trained without lead sheets and cannot keep `chords`, `form` and `like`; leave "
                "it out, or train a new one"
            )


def check_arithmetic(config: GenerateConfig, what: str = "`int8`") -> None:
    """Raise a MissingLibraryError if notes cannot be computed as `config` says; `what` asks for it."""
    if config.int8:
        check_quantizing(what)


def load_networks(checkpoint: File | None = None) -> Networks:
    """The networks of a checkpoint, or those that come with the program.

    Raises
    ------
    CmtError
        If a file is missing, damaged, or was trained on other words.
    """
    loaded = load_checkpoint(Path(checkpoint) if checkpoint is not None else None)
    planner = load_planner().planner if loaded.decoder.config.cues else None
    return Networks(loaded, planner, checkpoint is None)
