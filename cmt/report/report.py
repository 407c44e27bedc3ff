"""The report of a soundtrack: everything that was decided, asked and obtained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from cmt.config import Dynamics, GenerateConfig
from cmt.errors import CmtError
from cmt.film.mux import OriginalAudio
from cmt.grid.agreement import Agreement
from cmt.grid.hits import Marker
from cmt.music.key import KEYS, Key
from cmt.music.profile import RhythmProfile
from cmt.music.words import GENRES, Genre
from cmt.report.band import voice_as_json, voice_from_json
from cmt.report.description import FieldTold
from cmt.report.kept import Kept
from cmt.report.like import LikeTold
from cmt.report.parts import (
    NO_PICTURE,
    Asked,
    EnergyAsked,
    Grid,
    Hits,
    Model,
    MuteAsked,
    Picture,
    SectionWritten,
    Take,
    obtained_from_json,
    strength_as_json,
)
from cmt.report.pictures import PictureShown
from cmt.report.scenes import MoodSeen, SceneSeen
from cmt.report.sounds import SoundsTold
from cmt.report.speech import Speech
from cmt.report.values import Value
from midi_io.performance import Voice
from midi_io.song import INSTRUMENTS, Instrument
from midi_io.synthesis import SAMPLE_RATE

SCHEMA = 1
"""The number of the JSON's form. It goes up when a key changes its meaning or goes. A new key does not raise it: it
gets a line in `_ADDED`."""

DYNAMICS: Mapping[str, Dynamics] = {name: name for name in get_args(Dynamics)}
ORIGINAL_AUDIO: Mapping[str, OriginalAudio] = {name: name for name in get_args(OriginalAudio)}


@dataclass(frozen=True)
class Report:
    """Everything that was decided, asked and obtained. Its JSON lies beside the music; see `as_json`."""

    picture: Picture | None
    """What was seen; None for music without a video."""
    duration: float
    """The seconds of the video, and of the music."""
    grid: Grid
    length_in_beats: float
    markers: tuple[Marker, ...]
    """The user's markers in order of time, without the places where they were given."""
    energy: EnergyAsked | None
    """The energy as the user gave it; None leaves it to the picture."""
    energy_per_bar: tuple[float | None, ...]
    """The energy ordered for each bar (n_bar,), 0..1, by the user or under speech; None where the picture decides."""
    mutes: tuple[MuteAsked, ...]
    genre: Genre | None
    instruments: tuple[Instrument, ...]
    """The instruments that play."""
    instruments_asked: tuple[Instrument, ...] | None
    """The instruments that had to play; None in the first reports, where the choice was left to the model."""
    key: Key
    config: GenerateConfig
    """How the piece was written, with the seed of the take that was kept."""
    n_word: int
    """The number of words that the model wrote."""
    asked: Asked
    obtained: RhythmProfile
    versions: Mapping[str, str | None]
    """The version of each library that decides how the music sounds; None if it is not installed as a package."""
    original_audio: OriginalAudio = "drop"
    """What became of the video's own sound."""
    speech: Speech | None = None
    """Speech in the video's own sound; None if it was not looked for."""
    chords: tuple[tuple[str, ...], ...] = ()
    """The chords of each bar (n_bar,) by name, as planned: one, or two of half a bar each; ``N`` is none, ``?`` is left
    to the model. Empty where no chords were planned."""
    form: tuple[SectionWritten, ...] = ()
    """The sections as planned; empty where none were."""
    scenes: tuple[SceneSeen, ...] = ()
    """What was seen, scene by scene; empty without a video."""
    mood_per_bar: tuple[MoodSeen, ...] = ()
    """The mood of the picture in each bar (n_bar,); empty without a video."""
    pictures: tuple[PictureShown, ...] = ()
    """The pictures of which the film is made, in order; empty for a video and without one."""
    takes: tuple[Take, ...] = ()
    """The takes, the best first; empty where only one was written."""
    warnings: tuple[str, ...] = ()
    """A line for each thing that did not go as asked."""
    checkpoint: Model = field(default_factory=lambda: Model(""))
    soundfont: str | None = None
    """The name of the SoundFont; None if no audio was made."""
    band: tuple[Voice, ...] = ()
    """The sounds that play; empty in the first reports, whose instruments had one sound each."""
    quantized: bool = True
    """Whether every note is exactly on its sixteenth."""
    loudness: float | None = None
    """The loudness asked for, in LUFS; None if no audio was made, or made before it could be asked for."""
    format: str | None = None
    """The format of the sound, its file's suffix; None if no audio was made. That of the first reports was ``wav``."""
    sample_rate: int = SAMPLE_RATE
    """The samples a second of the sound, if there is any."""
    bit_depth: int | None = None
    """The bits of a sample that were asked for; None is the format's own."""
    fade_in: float = 0.0
    """The seconds in which the sound comes."""
    fade_out: float | None = None
    """The seconds in which it goes; None is 0.4 s or a tenth of the piece, whichever is shorter."""
    loop: bool = False
    """Whether the end leads into the beginning."""
    part: tuple[float, float] | None = None
    """Begin and end, in seconds, of the part of the video that was scored, from whose begin all times count; None is
    the whole."""
    sounds: SoundsTold | None = None
    """The sounds beside the music; None where none were asked for."""
    stems: bool = False
    """Whether the sound of each instrument lies beside it."""
    description: tuple[FieldTold, ...] = ()
    """What was asked in words, in a file or by a mood, and where each of it comes from; empty where nothing was."""
    like: LikeTold | None = None
    """The song that the piece is to be like, and what it has of it; None where it is to be like none."""
    kept: Kept | None = None
    """All else that the piece is made of, so that it can be made again; None in reports from before it was kept."""
    stages: Mapping[str, float] = field(default_factory=dict)
    """The seconds that each stage took."""

    def as_json(self) -> dict[str, object]:
        """The report as JSON, keys in order, the number of its form first."""
        config = self.config
        return {
            "schema": SCHEMA,
            **(NO_PICTURE if self.picture is None else self.picture.as_json()),
            "duration": self.duration,
            **self.grid.as_json(),
            "length_in_beats": self.length_in_beats,
            "markers": [{"time": marker.time, "weight": marker.weight} for marker in self.markers],
            "energy": None if self.energy is None else self.energy.as_json(),
            "energy_per_bar": list(self.energy_per_bar),
            "mutes": [mute.as_json() for mute in self.mutes],
            "seed": config.seed,
            "genre": None if self.genre is None else self.genre.label,
            "instruments": _labels(self.instruments),
            "instruments_asked": None if self.instruments_asked is None else _labels(self.instruments_asked),
            "key": str(self.key),
            "control": config.control,
            "dynamics": config.dynamics,
            "temperature": config.temperature,
            "guidance": config.guidance,
            "nucleus": config.nucleus,
            "note_nucleus": config.note_nucleus,
            "int8": config.int8,
            "original_audio": self.original_audio,
            "speech": None if self.speech is None else self.speech.as_json(),
            "n_word": self.n_word,
            "density_asked": list(self.asked.density),
            "density_obtained": list(self.obtained.density),
            "strength_asked": [strength_as_json(note) for note in self.asked.strengths],
            "strength_obtained": [strength_as_json(note) for note in self.obtained.simu_notes],
            "versions": dict(self.versions),
            "chords": [list(bar) for bar in self.chords],
            "form": [section._asdict() for section in self.form],
            "scenes": [scene.as_json() for scene in self.scenes],
            "mood_per_bar": [mood._asdict() for mood in self.mood_per_bar],
            "pictures": [shown._asdict() for shown in self.pictures],
            "takes": [take.as_json() for take in self.takes],
            "warnings": list(self.warnings),
            "checkpoint": self.checkpoint.as_json(),
            "soundfont": self.soundfont,
            "band": [voice_as_json(voice) for voice in self.band],
            "quantized": self.quantized,
            "loudness": self.loudness,
            "format": self.format,
            "stems": self.stems,
            "sounds": None if self.sounds is None else self.sounds.as_json(),
            "sample_rate": self.sample_rate,
            "bit_depth": self.bit_depth,
            "fade_in": self.fade_in,
            "fade_out": self.fade_out,
            "loop": self.loop,
            "part": None if self.part is None else list(self.part),
            "description": [told._asdict() for told in self.description],
            "like": None if self.like is None else self.like.as_json(),
            "kept": None if self.kept is None else self.kept.as_json(),
            "stages": dict(self.stages),
        }

    @classmethod
    def from_json(cls, content: object, file: str) -> Report:
        """The report of a JSON file's content; `file` is its name for messages. Unknown keys are passed over.

        Files that were written before there was a number of the form are read too.

        Raises
        ------
        CmtError
            If a key is missing or its value is of another type, or the form is newer than this version knows.
        """
        report = _in_this_form(Value(content, file))
        return cls(
            picture=Picture.from_json(report),
            duration=report["duration"].positive(),
            grid=Grid.from_json(report),
            length_in_beats=report["length_in_beats"].number(),
            markers=report["markers"].each(
                lambda marker: Marker(time=marker["time"].number(), weight=marker["weight"].number())
            ),
            energy=report["energy"].maybe(EnergyAsked.from_json),
            energy_per_bar=report["energy_per_bar"].each(lambda bar: bar.maybe(Value.number)),
            mutes=report["mutes"].each(MuteAsked.from_json),
            genre=report["genre"].maybe(lambda genre: genre.one_of(GENRES)),
            instruments=_instruments(report["instruments"]),
            instruments_asked=report["instruments_asked"].maybe(_instruments),
            key=_key(report["key"]),
            config=GenerateConfig(
                control=report["control"].number(),
                dynamics=report["dynamics"].one_of(DYNAMICS),
                temperature=report["temperature"].number(),
                guidance=report["guidance"].number(),
                nucleus=report["nucleus"].number(),
                note_nucleus=report["note_nucleus"].number(),
                int8=report["int8"].flag(),
                seed=report["seed"].whole(),
            ),
            n_word=report["n_word"].whole(),
            asked=Asked.from_json(report),
            obtained=obtained_from_json(report),
            versions=report["versions"].values(lambda version: version.maybe(Value.text)),
            original_audio=report["original_audio"].one_of(ORIGINAL_AUDIO),
            speech=report["speech"].maybe(Speech.from_json),
            chords=report["chords"].each(lambda bar: bar.each(Value.text)),
            form=report["form"].each(SectionWritten.from_json),
            scenes=report["scenes"].each(SceneSeen.from_json),
            mood_per_bar=report["mood_per_bar"].each(MoodSeen.from_json),
            pictures=report["pictures"].each(PictureShown.from_json),
            takes=report["takes"].each(Take.from_json),
            warnings=report["warnings"].each(Value.text),
            checkpoint=Model.from_json(report["checkpoint"]),
            soundfont=report["soundfont"].maybe(Value.text),
            band=report["band"].each(voice_from_json),
            quantized=report["quantized"].flag(),
            loudness=report["loudness"].maybe(Value.number),
            format=report["format"].maybe(Value.text),
            stems=report["stems"].flag(),
            sounds=report["sounds"].maybe(SoundsTold.from_json),
            sample_rate=report["sample_rate"].whole(),
            bit_depth=report["bit_depth"].maybe(Value.whole),
            fade_in=report["fade_in"].number(),
            fade_out=report["fade_out"].maybe(Value.number),
            loop=report["loop"].flag(),
            part=report["part"].maybe(_span),
            description=report["description"].each(FieldTold.from_json),
            like=report["like"].maybe(LikeTold.from_json),
            kept=report["kept"].maybe(Kept.from_json),
            stages=report["stages"].values(Value.number),
        )


def looks_like_report(content: object) -> bool:
    """Whether the content of a JSON file means to be a report of any form, sound or damaged."""
    return isinstance(content, dict) and ("density_asked" in content or isinstance(content.get("schema"), int))


def _labels(instruments: tuple[Instrument, ...]) -> list[str]:
    return [instrument.label for instrument in instruments]


def _instruments(labels: Value) -> tuple[Instrument, ...]:
    return labels.each(lambda label: label.one_of(INSTRUMENTS))


def _span(part: Value) -> tuple[float, float]:
    times = part.each(Value.number)
    if len(times) != 2:
        raise part.fault("two times, begin and end")
    return times[0], times[1]


def _key(name: Value) -> Key:
    if name.text() not in KEYS:
        raise name.fault("a key, such as F#:minor")
    return KEYS[name.text()]


def _in_this_form(report: Value) -> Value:
    """A report of any form that is known, with the keys that this one has."""
    content = report.by_key()
    schema = report["schema"].whole() if "schema" in content else 0
    if schema > SCHEMA:
        raise CmtError(
            f"{report.file}: is a report of form {schema}, this version of cmt reads forms up to {SCHEMA}; "
            "install a newer one (pip install -U video-cmt)"
        )
    # There was one nucleus for all attributes at first, then one for pitches alone; and there was one format.
    first = {
        "note_nucleus": content.get("pitch_nucleus", content.get("nucleus")),
        "format": "wav" if content.get("soundfont") else None,
    }
    return Value({**_ADDED, **first, **content}, report.file)


_NONE_MET = Agreement(
    n_hit=0,
    on_grid=0.0,
    on_grid_by_chance=0.0,
    on_beats=0.0,
    on_beats_by_chance=0.0,
    on_downbeats=0.0,
    on_downbeats_by_chance=0.0,
)
_ADDED: Mapping[str, object] = {
    "picture_stream": None,
    "phase": 0.0,
    "bar_borders": [],
    "tempo_map": [],
    "hits": Hits(all=_NONE_MET, markers=_NONE_MET, cuts=_NONE_MET, visual_beats=_NONE_MET).as_json(),
    "markers": [],
    "energy": None,
    "energy_per_bar": [],
    "mutes": [],
    "dynamics": "absolute",
    "guidance": 1.0,
    "int8": False,
    "chords": [],
    "form": [],
    "scenes": [],
    "mood_per_bar": [],
    "pictures": [],
    "takes": [],
    "band": [],
    "quantized": True,
    "loudness": None,
    "speech": None,
    "stems": False,
    "sounds": None,
    "description": [],
    "sample_rate": SAMPLE_RATE,
    "bit_depth": None,
    "fade_in": 0.0,
    "fade_out": None,
    "loop": False,
    "part": None,
    "like": None,
    "kept": None,
}
"""The keys that the first reports lack, with what holds for those: what these keys tell of did not exist yet."""
