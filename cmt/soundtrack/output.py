"""What is made of the notes: how they are played, and which files come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

from cmt.band.programs import programs_of
from cmt.config import (
    AUDIO_FORMAT,
    DUCK,
    DUCK_LIMITS,
    FADE_LIMITS,
    LOUDNESS,
    LOUDNESS_LIMITS,
    SAMPLE_RATES,
    SOUNDS_LIMITS,
)
from cmt.errors import CmtError
from cmt.film.mux import OriginalAudio
from cmt.film.sound import has_sound
from cmt.handover.markers import check_kinds
from cmt.handover.moments import KINDS
from cmt.handover.timecode import START
from cmt.report.report import ORIGINAL_AUDIO
from cmt.report.sounds import event_from_json
from cmt.report.values import Value
from cmt.sounds.event import SoundEvent
from midi_io.audio_file import AUDIO_FORMATS, check_format, check_samples
from midi_io.song import INSTRUMENTS, Instrument
from midi_io.synthesis import SAMPLE_RATE


@dataclass(frozen=True)
class Output:
    """How the notes are played, which files are written, and what becomes of the video's own sound."""

    keep_takes: bool = False
    """Whether the other takes' MIDI files are kept too."""
    original_audio: OriginalAudio | None = None
    """Whether the video's own sound is left out, a second track, or mixed with the music: `drop`, `keep`, `mix`; None
    mixes it where there is any."""
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
    programs: Mapping[Instrument, int] | Mapping[str, int | str] = field(default_factory=dict)
    """The General MIDI program of an instrument, 0 to 127 or its name, of the drums the kit; the others have their
    genre's. The instruments may be given by their names."""
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
    page: bool = True
    """Whether a page is written, `clip.html`, to look at the piece and hear its takes."""
    sounds: float = 0.0
    """How many sounds there are of what strikes and moves in the picture, and how loud: 0 none, 1 all within the
    budget."""
    sound_library: str | None = None
    """A folder of the user's own sounds, as `cmt.sounds.library.read_library` reads it."""
    sound_events: tuple[SoundEvent, ...] | None = None
    """The sounds, instead of those that are found."""
    origin: bool = False
    """Whether a statement is written of where the music comes from."""
    overwrite: bool = False
    """Whether files that are there already are replaced; otherwise the run gets another name, such as `clip-2`."""

    @property
    def looks_for_speech(self) -> bool:
        """Whether speech of the video is looked for, if it has a sound, under which the music is calm."""
        return self.original_audio in (None, "mix") and self.duck is not None

    @property
    def program_numbers(self) -> dict[Instrument, int]:
        """The `programs`, read from their names."""
        return programs_of(self.programs)


def check_output(output: Output) -> None:
    """Raise a CmtError for what cannot be in what is written."""
    if output.loudness not in LOUDNESS_LIMITS:
        raise CmtError(
            f"loudness {output.loudness:g}: must be from {LOUDNESS_LIMITS.least:g} to {LOUDNESS_LIMITS.most:g} LUFS"
        )
    programs_of(output.programs)
    if output.original_audio not in (None, *get_args(OriginalAudio)):
        raise CmtError(f"no original audio {output.original_audio!r}; choose from {', '.join(get_args(OriginalAudio))}")
    if output.duck is not None and output.duck not in DUCK_LIMITS:
        raise CmtError(f"duck {output.duck:g}: must be from {DUCK_LIMITS.least:g} to {DUCK_LIMITS.most:g} dB, or off")
    check_format(output.format)
    check_samples(output.format, output.sample_rate, output.bit_depth)
    if output.sample_rate not in SAMPLE_RATES:
        raise CmtError(f"`sample_rate` {output.sample_rate}: choose from {', '.join(map(str, SAMPLE_RATES))}")
    for name, seconds in (("fade_in", output.fade_in), ("fade_out", output.fade_out)):
        if seconds is not None and seconds not in FADE_LIMITS:
            raise CmtError(f"`{name}` {seconds:g}: must be from {FADE_LIMITS.least:g} to {FADE_LIMITS.most:g} seconds")
    if output.sounds not in SOUNDS_LIMITS:
        raise CmtError(f"`sounds` {output.sounds:g}: must be from {SOUNDS_LIMITS.least:g} to {SOUNDS_LIMITS.most:g}")
    if not output.sounds and (output.sound_library is not None or output.sound_events is not None):
        raise CmtError("`sound_library` and `sound_events` are for sounds; say with `sounds` how loud, such as 0.5")
    if output.sounds and output.midi_only:
        raise CmtError("`midi_only` writes no sound: leave it out, or leave out `sounds`")
    check_kinds(output.marker_kinds)
    if output.midi_only and (output.stems or output.format != AUDIO_FORMAT):
        raise CmtError("`midi_only` writes no sound: leave it out, or leave out `stems` and `format`")


def for_film(output: Output, film: Path | None) -> tuple[Output, tuple[str, ...]]:
    """The output with what becomes of the sound of a film, and a line where sound is asked for that it has not.

    `film` is None where there is none, or one of pictures.
    """
    if output.original_audio == "drop" or (film is not None and has_sound(film)):
        return replace(output, original_audio=output.original_audio or "mix"), ()
    is_asked = output.original_audio is not None and film is not None and not output.midi_only
    lines = (f"the video has no sound to {output.original_audio}: only the music is heard",) if is_asked else ()
    return replace(output, original_audio="drop"), lines


def output_as_json(output: Output) -> dict[str, object]:
    """What a report keeps of an output, keys in order; not `overwrite`, which is said of each run."""
    return {
        "keep_takes": output.keep_takes,
        "original_audio": output.original_audio,
        "duck": output.duck,
        "midi_only": output.midi_only,
        "format": output.format,
        "stems": output.stems,
        "loudness": output.loudness,
        "programs": {instrument.label: program for instrument, program in sorted(output.program_numbers.items())},
        "quantized": output.quantized,
        "sample_rate": output.sample_rate,
        "bit_depth": output.bit_depth,
        "fade_in": output.fade_in,
        "fade_out": output.fade_out,
        "marker_kinds": list(output.marker_kinds),
        "timecode": output.timecode,
        "sounds": output.sounds,
        "sound_library": output.sound_library,
        "sound_events": None if output.sound_events is None else [one.as_json() for one in output.sound_events],
        "origin": output.origin,
        "page": output.page,
    }


def output_from_json(output: Value) -> Output:
    """The output of a report's JSON."""
    programs = output["programs"]
    chosen = programs.values(lambda program: program.whole(0, 127))
    if not set(chosen) <= set(INSTRUMENTS):
        raise programs.fault(f"an object with keys of {', '.join(INSTRUMENTS)}")
    added = {key: output[key] for key in output.by_key()}
    none = Value(None, output.file)
    return Output(
        keep_takes=output["keep_takes"].flag(),
        original_audio=output["original_audio"].maybe(lambda name: name.one_of(ORIGINAL_AUDIO)),
        duck=output["duck"].maybe(Value.number),
        midi_only=output["midi_only"].flag(),
        format=output["format"].one_of({name: name for name in AUDIO_FORMATS}),
        stems=output["stems"].flag(),
        loudness=output["loudness"].number(),
        programs={INSTRUMENTS[label]: program for label, program in chosen.items()},
        quantized=output["quantized"].flag(),
        sample_rate=output["sample_rate"].whole(),
        bit_depth=output["bit_depth"].maybe(Value.whole),
        fade_in=output["fade_in"].number(),
        fade_out=output["fade_out"].maybe(Value.number),
        marker_kinds=output["marker_kinds"].each(lambda kind: kind.one_of({one: one for one in KINDS})),
        timecode=output["timecode"].text(),
        sounds=added.get("sounds", Value(0.0, output.file)).number(),
        sound_library=added.get("sound_library", none).maybe(Value.text),
        sound_events=added.get("sound_events", none).maybe(lambda events: events.each(event_from_json)),
        origin=output["origin"].flag(),
        page=output["page"].flag() if "page" in output.by_key() else True,
    )
