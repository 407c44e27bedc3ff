"""What the user asks of the music, as given and as it can be met."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import get_args

from cmt.config import (
    BARS_LIMITS,
    CONTROL_LIMITS,
    GUIDANCE_LIMITS,
    LENGTH_LIMITS,
    PICTURE_LIMITS,
    TAKES,
    TEMPERATURE_LIMITS,
    TEMPO_CHANGE,
    TEMPO_CHANGE_LIMITS,
    TEMPO_LIMITS,
    Dynamics,
    GenerateConfig,
)
from cmt.errors import CmtError
from cmt.grid.hits import Marker, checked_markers
from cmt.music.chords import key_of_chords
from cmt.music.key import ANY_KEY, WishedKey, parse_key
from cmt.music.named import genre_named, instrument_named, mode_named
from cmt.music.words import Genre, Mode
from cmt.planning.energy import Energy, check_energy
from cmt.planning.form import WishedForm, parse_form
from cmt.planning.mutes import Mute, check_mutes, muted_throughout, parse_mute
from cmt.planning.progression import Progression, parse_chords
from cmt.planning.wished_scenes import WishedScene, check_scenes
from cmt.writing.closing import ENDINGS
from midi_io.song import Instrument

ALL_INSTRUMENTS = tuple(Instrument)


@dataclass(frozen=True)
class Wishes:
    """What the user asks of the music, as given; None leaves it open.

    Genre, mode and instruments may be given by their names, ``"pop"``, ``"minor"`` or ``"drums"``, the key as
    ``"A:minor"``. What is planned takes `Settled` wishes only: `settled` checks these and reads the names.
    """

    genre: Genre | str | None = None
    instruments: Sequence[Instrument | str] | None = None
    """The instruments, every one of which plays; None draws them as songs of the genre have them."""
    key: WishedKey | str | None = None
    """The key, such as ``F#:minor``, ``C``, ``:major``; None leaves it open."""
    tempo: float | None = None
    """The exact BPM, in `TEMPO_LIMITS`; None chooses one at which the picture's hits fall on the grid."""
    length: float | None = None
    """The seconds of music without a video, or of a film of pictures, in `LENGTH_LIMITS`; None with a video."""
    markers: Sequence[Marker | float] = ()
    """The times that the music meets before all others; a number is a time in seconds, of the usual weight."""
    tempo_map: bool = False
    """Whether the tempo may change at cuts and markers, so that they fall on the grid exactly."""
    tempo_change: float = TEMPO_CHANGE
    """A tempo map may leave the tempo by this many per cent, in `TEMPO_CHANGE_LIMITS`."""
    energy: Energy | None = None
    """The liveliness of the music where the user, not the picture, says it."""
    mutes: Sequence[Mute | str] = ()
    """The times at which instruments must be silent, such as ``drums@0-4``, see `cmt.planning.mutes.parse_mute`."""
    takes: int = TAKES
    """The number of pieces written, ranked, the best of which is the music; their seeds follow one another."""
    chords: Progression | str | None = None
    """The chords, such as ``C G Am F`` or ``A: C G; B: F``, see `parse_chords`; None leaves them open."""
    form: WishedForm | str | None = None
    """The sections, such as ``AABA`` or ``intro:4 A B A outro``, see `parse_form`; None leaves them open."""
    tempo_range: tuple[float, float] | None = None
    """The lowest and the highest BPM, in `TEMPO_LIMITS`, where the tempo is not exact; None is `MUSIC_RANGE` of
    `cmt.grid.solver`."""
    liveliness: float | None = None
    """The mean of how lively the bars are, 0..1, in percentiles as energy is; the picture's arc stays. None leaves it
    to the picture."""
    ending: str | None = None
    """The way in which the last bar ends, a name of `cmt.writing.closing.ENDINGS`; None draws it by the seed."""
    mood: tuple[float, float] | None = None
    """Valence and arousal, -1..1, where the user and not the picture says the mood."""
    scenes: tuple[WishedScene, ...] = ()
    """The scenes, where the user and not the picture says them; the first one begins the piece."""
    seconds_per_picture: float | None = None
    """The seconds that each picture of a slideshow is shown, in `PICTURE_LIMITS`; None is about
    `cmt.config.SECONDS_PER_PICTURE`, or what follows from a length."""
    bars: int | None = None
    """The number of bars of music without a video, in `BARS_LIMITS`, in place of its length."""
    loop: bool = False
    """Whether the piece has no end: it leads into its own beginning."""
    like: str | None = None
    """The path of a song that the piece is to be like, or of the index of a library in which one is looked for."""
    mode: Mode | str | None = None
    """Major or minor, where `key` does not say it; None leaves it open."""


@dataclass(frozen=True)
class Settled:
    """Wishes that can be met in a piece of one duration; `settled` makes them."""

    duration: float
    """The seconds of the piece."""
    genre: Genre | None
    instruments: tuple[Instrument, ...] | None
    """The instruments, without those that are muted throughout; None leaves them open, see `players_of`."""
    key: WishedKey
    """The key; where chords are asked for, what the user left open of it is theirs."""
    tempo: float | None
    """The exact BPM; None chooses one at which the picture's hits fall on the grid."""
    markers: tuple[Marker, ...]
    """The markers in order of time, none of them twice, all within the piece."""
    tempo_change: float
    """The tempo map may leave the tempo by this many per cent; 0 keeps the tempo steady."""
    energy: Energy | None
    mutes: tuple[Mute, ...]
    """The mutes, which all begin within the piece."""
    takes: int
    chords: Progression | None
    form: WishedForm | None
    tempo_range: tuple[float, float] | None
    liveliness: float | None
    ending: str | None
    mood: tuple[float, float] | None
    scenes: tuple[WishedScene, ...]
    loop: bool
    suited_tempo: float | None = None
    """The BPM to which an open tempo leans, that of the song that the piece is like; None leaves it to the picture."""

    @property
    def tempo_map(self) -> bool:
        """Whether the tempo may change at cuts and markers."""
        return self.tempo_change > 0

    @property
    def labels(self) -> tuple[str | None, ...]:
        """The label of each section in order, None for one without; one None where the form is left open."""
        return _labels(self.form, self.energy)


def check_config(config: GenerateConfig) -> None:
    """Raise a CmtError for what cannot be in how a piece is written."""
    if config.control not in CONTROL_LIMITS:
        raise CmtError(f"control {config.control:g}: must be from 0 (free music) to 1 (the video decides)")
    if config.temperature not in TEMPERATURE_LIMITS:
        raise CmtError(f"temperature {config.temperature:g}: must be above 0 and at most {TEMPERATURE_LIMITS.most:g}")
    if config.guidance not in GUIDANCE_LIMITS:
        raise CmtError(f"guidance {config.guidance:g}: must be from 0 (no genre) to {GUIDANCE_LIMITS.most:g}")
    if config.dynamics not in get_args(Dynamics):
        raise CmtError(f"no dynamics {config.dynamics!r}; choose from {', '.join(get_args(Dynamics))}")
    if config.seed < 0:
        raise CmtError(f"seed {config.seed}: must be 0 or more")


def check_wishes(wishes: Wishes) -> None:
    """Raise a CmtError for what cannot be, whatever the video is."""
    _check_time(wishes)
    _check_loop(wishes)
    check_scenes(wishes.scenes)
    if wishes.liveliness is not None and not 0 <= wishes.liveliness <= 1:
        raise CmtError(f"liveliness {wishes.liveliness:g}: must be from 0 (calm) to 1 (intense)")
    if wishes.mood is not None and max(map(abs, wishes.mood)) > 1:
        raise CmtError("mood {:g}, {:g}: valence and arousal are from -1 to 1".format(*wishes.mood))
    if wishes.ending is not None and wishes.ending not in ENDINGS:
        raise CmtError(f"no ending {wishes.ending!r}; choose from {', '.join(ENDINGS)}")
    if wishes.takes < 1:
        raise CmtError(f"takes {wishes.takes}: must be 1 or more")
    if wishes.like == "":
        raise CmtError("`like`: is empty; name a song or the folder of an index")
    genre_of(wishes)
    key_of(wishes)
    instruments = instruments_of(wishes)
    form, chords = _form(wishes), _chords(wishes)
    if form is not None and wishes.energy is not None and wishes.energy.begins:
        raise CmtError("`form` and the names in `sections` say the same in two ways; leave one of them out")
    if chords is not None:
        _check_pitched(instruments)
        known = _labels(form, wishes.energy)
        for label in chords.labels:
            if label not in known:
                raise CmtError(f"`chords`: there is no section {label}; name it in `form`, or leave its chords out")
    for mute in mutes_of(wishes):
        if instruments is not None and mute.instrument not in instruments:
            raise CmtError(f"`mutes` {mute}: {mute.instrument.label} is not among `instruments`; leave one of them out")


def settled(wishes: Wishes, duration: float) -> Settled:
    """The wishes for a piece of `duration` seconds: markers in order, instruments without those that never sound.

    Raises
    ------
    CmtError
        If something cannot be, whatever the video is, a time lies outside the piece, or an instrument that was chosen
        is muted throughout.
    """
    check_wishes(wishes)
    mutes = mutes_of(wishes)
    check_mutes(mutes, duration)
    check_scenes(wishes.scenes, duration)
    energy, form, chords = wishes.energy, _form(wishes), _chords(wishes)
    if energy is not None:
        check_energy(energy, duration)
        energy = energy.until(duration)
    silent = muted_throughout(mutes, duration)
    instruments = _heard(instruments_of(wishes), silent)
    if chords is not None:
        _check_pitched(instruments if instruments is not None else set(ALL_INSTRUMENTS) - silent)
    return Settled(
        duration=duration,
        genre=genre_of(wishes),
        instruments=instruments,
        key=_key_with_chords(key_of(wishes), chords, _labels(form, energy)),
        tempo=wishes.tempo,
        markers=checked_markers(markers_of(wishes), duration),
        tempo_change=wishes.tempo_change if wishes.tempo_map else 0.0,
        energy=energy,
        mutes=mutes,
        takes=wishes.takes,
        chords=chords,
        form=form,
        tempo_range=wishes.tempo_range,
        liveliness=wishes.liveliness,
        ending=wishes.ending,
        mood=wishes.mood,
        scenes=wishes.scenes,
        loop=wishes.loop,
    )


def _check_time(wishes: Wishes) -> None:
    if wishes.tempo is not None and wishes.tempo not in TEMPO_LIMITS:
        raise CmtError(f"tempo {wishes.tempo:g}: must be from {TEMPO_LIMITS.least:g} to {TEMPO_LIMITS.most:g} BPM")
    if wishes.tempo_range is not None:
        _check_range(wishes.tempo_range, wishes.tempo)
    if wishes.length is not None and wishes.length not in LENGTH_LIMITS:
        least, most = LENGTH_LIMITS.least, LENGTH_LIMITS.most
        raise CmtError(f"`length` {wishes.length:g}: must be from {least:g} to {most:g} seconds")
    if wishes.bars is not None and wishes.bars not in BARS_LIMITS:
        raise CmtError(f"bars {wishes.bars}: must be from {BARS_LIMITS.least:g} to {BARS_LIMITS.most:g}")
    if wishes.bars is not None and wishes.length is not None:
        raise CmtError("`bars` and `length` say the same in two ways; leave one of them out")
    _check_pictures(wishes)
    if wishes.tempo_map and wishes.tempo_change not in TEMPO_CHANGE_LIMITS:
        raise CmtError(
            f"tempo change {wishes.tempo_change:g}: must be above 0 and at most {TEMPO_CHANGE_LIMITS.most:g} per cent"
        )


def _check_pictures(wishes: Wishes) -> None:
    seconds = wishes.seconds_per_picture
    if seconds is None:
        return
    if seconds not in PICTURE_LIMITS:
        least, most = PICTURE_LIMITS.least, PICTURE_LIMITS.most
        raise CmtError(f"seconds per picture {seconds:g}: must be from {least:g} to {most:g}")
    if wishes.length is not None:
        raise CmtError("`length` and `seconds_per_picture`: one follows from the other; leave one of them out")


def _check_loop(wishes: Wishes) -> None:
    if not wishes.loop:
        return
    if wishes.tempo_map:
        raise CmtError("`loop`: it would end in another tempo than it begins in; leave `tempo_map` out")
    if wishes.ending is not None:
        raise CmtError("`loop`: it has no end that could be asked for; leave the ending out")
    if wishes.tempo is not None and wishes.length is not None:
        n_bar = wishes.length * wishes.tempo / 240
        if abs(n_bar - round(n_bar)) > 1e-6 * n_bar or not round(n_bar):
            raise CmtError(
                f"`loop`: {wishes.length:g} s at {wishes.tempo:g} BPM are {n_bar:.2f} bars, and a loop has whole ones; "
                f"leave `tempo` out, or say how many `bars`"
            )


def _check_range(tempo_range: tuple[float, float], tempo: float | None) -> None:
    low, high = tempo_range
    said = f"tempo range {low:g} to {high:g}"
    if not (low in TEMPO_LIMITS and high in TEMPO_LIMITS and low <= high):
        raise CmtError(f"{said}: must rise, and be from {TEMPO_LIMITS.least:g} to {TEMPO_LIMITS.most:g} BPM")
    if tempo is not None and not low <= tempo <= high:
        raise CmtError(f"{said} and tempo {tempo:g} contradict each other; leave one of them out")


def genre_of(wishes: Wishes) -> Genre | None:
    """The genre that is asked for, read from its name."""
    return None if wishes.genre is None else genre_named(wishes.genre)


def key_of(wishes: Wishes) -> WishedKey:
    """The key that is asked for, read from its name, and with the mode that is asked for beside it."""
    key = ANY_KEY if wishes.key is None else parse_key(wishes.key) if isinstance(wishes.key, str) else wishes.key
    if wishes.mode is None:
        return key
    mode = mode_named(wishes.mode)
    if key.mode not in (None, mode):
        raise CmtError(f"`key` {key}: contradicts the mode {mode.label}; leave one of them out")
    return key._replace(mode=mode)


def instruments_of(wishes: Wishes) -> tuple[Instrument, ...] | None:
    """The instruments that are asked for, read from their names, each alone or several with commas between them."""
    if wishes.instruments is None:
        return None
    chosen = wishes.instruments.split(",") if isinstance(wishes.instruments, str) else wishes.instruments
    return tuple(instrument_named(one) for one in chosen)


def mutes_of(wishes: Wishes) -> tuple[Mute, ...]:
    """The mutes that are asked for, read from their texts."""
    mutes = (parse_mute(mute) if isinstance(mute, str) else mute for mute in wishes.mutes)
    return tuple(mute._replace(instrument=instrument_named(mute.instrument)) for mute in mutes)


def markers_of(wishes: Wishes) -> tuple[Marker, ...]:
    """The times to meet that are asked for."""
    return tuple(marker if isinstance(marker, Marker) else Marker(float(marker)) for marker in wishes.markers)


def _form(wishes: Wishes) -> WishedForm | None:
    return parse_form(wishes.form) if isinstance(wishes.form, str) else wishes.form


def _chords(wishes: Wishes) -> Progression | None:
    return parse_chords(wishes.chords) if isinstance(wishes.chords, str) else wishes.chords


def _labels(form: WishedForm | None, energy: Energy | None) -> tuple[str | None, ...]:
    if form is not None:
        return form.labels
    begins = energy.begins if energy is not None else ()
    # What lies before the first section is one without a label.
    before = (None,) if not begins or begins[0].time > 0 else ()
    return (*before, *(begin.name for begin in begins))


def _key_with_chords(key: WishedKey, chords: Progression | None, labels: Sequence[str | None]) -> WishedKey:
    """The key, with what is left open of it taken from the chords as they are played."""
    played = chords.chords(labels) if chords is not None else []
    return WishedKey(*key_of_chords(played, key)) if played else key


def _check_pitched(instruments: Collection[Instrument] | None) -> None:
    if instruments is not None and set(instruments) <= {Instrument.DRUMS}:
        raise CmtError("`chords` need an instrument with pitches, and drums play alone; add one to `instruments`")


def _heard(chosen: tuple[Instrument, ...] | None, silent: set[Instrument]) -> tuple[Instrument, ...] | None:
    names = ", ".join(sorted(instrument.label for instrument in silent))
    if silent == set(ALL_INSTRUMENTS):
        raise CmtError(f"`mutes`: {names} are muted from beginning to end, so nothing is left to play; leave one out")
    if chosen is None:
        return None
    # Where all instruments were chosen, muting one throughout is a way to do without it.
    if silent and set(chosen) != set(ALL_INSTRUMENTS):
        raise CmtError(f"`mutes`: {names} from beginning to end, yet among `instruments`; leave one of them out")
    return tuple(instrument for instrument in chosen if instrument not in silent)
