"""What is made of the notes: how they are played, and which files come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cmt.band.programs import check_programs
from cmt.config import (
    AUDIO_FORMAT,
    DUCK,
    DUCK_LIMITS,
    FADE_LIMITS,
    LOUDNESS,
    LOUDNESS_LIMITS,
    SAMPLE_RATES,
)
from cmt.errors import CmtError
from cmt.film.mux import OriginalAudio
from cmt.handover.markers import check_kinds
from cmt.handover.timecode import START
from midi_io.audio_file import check_format, check_samples
from midi_io.song import Instrument
from midi_io.synthesis import SAMPLE_RATE


@dataclass(frozen=True)
class Output:
    """How the notes are played, which files are written, and what becomes of the video's own sound."""

    keep_takes: bool = False
    """Whether the other takes' MIDI files are kept too."""
    original_audio: OriginalAudio = "drop"
    """Whether the video's own sound is left out, a second track, or mixed with the music: `drop`, `keep`, `mix`."""
    duck: float | None = DUCK
    """The dB that the music lies under speech where both are mixed, within `cmt.config.DUCK_LIMITS`; None looks for no
    speech."""
    midi_only: bool = False
    """Whether neither audio nor video is written: no FluidSynth is needed."""
    format: str = AUDIO_FORMAT
    """The format of the sound beside the video, one of `midi_io.audio_file.AUDIO_FORMATS`."""
    stems: bool = False
    """Whether each instrument that plays has a file of its own; together they are the sound."""
    loudness: float = LOUDNESS
    """The integrated loudness of the music in LUFS, within `cmt.config.LOUDNESS_LIMITS`."""
    programs: Mapping[Instrument, int] = field(default_factory=dict)
    """The General MIDI program of an instrument, 0 to 127, of the drums the kit; the others have their genre's."""
    quantized: bool = False
    """Whether every note is exactly on its sixteenth, as in a score, and not where a player would put it."""
    sample_rate: int = SAMPLE_RATE
    """The samples a second of the sound, one of `cmt.config.SAMPLE_RATES`."""
    bit_depth: int | None = None
    """The bits of a sample, 16 or 24, in WAV and FLAC; None is the format's own: 16 and 24."""
    fade_in: float = 0.0
    """The seconds in which the sound comes, within `cmt.config.FADE_LIMITS`."""
    fade_out: float | None = None
    """The seconds in which it goes, within the same; None is 0.4 s or a tenth of the piece, whichever is shorter."""
    marker_kinds: tuple[str, ...] = ()
    """The kinds of moments, of `cmt.handover.moments.KINDS`, that files of markers tell; without any none are
    written."""
    timecode: str = START
    """The timecode at which the timelines of marker files begin."""
    origin: bool = False
    """Whether a statement is written of where the music comes from."""


def check_output(output: Output) -> None:
    """Raise a CmtError for what cannot be in what is written."""
    if output.loudness not in LOUDNESS_LIMITS:
        raise CmtError(
            f"loudness {output.loudness:g}: must be from {LOUDNESS_LIMITS.least:g} to {LOUDNESS_LIMITS.most:g} LUFS"
        )
    check_programs(output.programs)
    if output.duck is not None and output.duck not in DUCK_LIMITS:
        raise CmtError(f"duck {output.duck:g}: must be from {DUCK_LIMITS.least:g} to {DUCK_LIMITS.most:g} dB, or off")
    check_format(output.format)
    check_samples(output.format, output.sample_rate, output.bit_depth)
    if output.sample_rate not in SAMPLE_RATES:
        raise CmtError(f"`sample_rate` {output.sample_rate}: choose from {', '.join(map(str, SAMPLE_RATES))}")
    for name, seconds in (("fade_in", output.fade_in), ("fade_out", output.fade_out)):
        if seconds is not None and seconds not in FADE_LIMITS:
            raise CmtError(f"`{name}` {seconds:g}: must be from {FADE_LIMITS.least:g} to {FADE_LIMITS.most:g} seconds")
    check_kinds(output.marker_kinds)
    if output.midi_only and (output.stems or output.format != AUDIO_FORMAT):
        raise CmtError("`midi_only` writes no sound: leave it out, or leave out `stems` and `format`")
