"""Wishes as JSON and back: a report keeps what was asked, so that it can be asked once more."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from cmt.errors import CmtError
from cmt.grid.hits import Marker
from cmt.music.key import ANY_KEY, WishedKey, parse_key
from cmt.music.words import GENRES
from cmt.planning.energy import Begin, Energy, MoodFrom, Stretch
from cmt.planning.form import parse_form
from cmt.planning.mutes import Mute
from cmt.planning.progression import parse_chords
from cmt.planning.wished_scenes import WishedScene
from cmt.planning.wishes import Wishes, genre_of, instruments_of, key_of, markers_of, mutes_of
from cmt.report.values import Value
from midi_io.song import INSTRUMENTS

T = TypeVar("T")


def wishes_as_json(wishes: Wishes) -> dict[str, object]:
    """Wishes as JSON, keys in order; keys, chords and forms as a user writes them."""
    genre, instruments, key = genre_of(wishes), instruments_of(wishes), key_of(wishes)
    return {
        "genre": None if genre is None else genre.label,
        "instruments": None if instruments is None else [one.label for one in instruments],
        "key": None if key == ANY_KEY else str(key),
        "tempo": wishes.tempo,
        "length": wishes.length,
        "markers": [{"time": one.time, "weight": one.weight, "source": one.source} for one in markers_of(wishes)],
        "tempo_map": wishes.tempo_map,
        "tempo_change": wishes.tempo_change,
        "energy": None if wishes.energy is None else _energy_as_json(wishes.energy),
        "mutes": [mute_as_json(mute) for mute in mutes_of(wishes)],
        "takes": wishes.takes,
        "chords": None if wishes.chords is None else str(wishes.chords),
        "form": None if wishes.form is None else str(wishes.form),
        "tempo_range": None if wishes.tempo_range is None else list(wishes.tempo_range),
        "liveliness": wishes.liveliness,
        "ending": wishes.ending,
        "mood": None if wishes.mood is None else list(wishes.mood),
        "scenes": [scene._asdict() for scene in wishes.scenes],
        "seconds_per_picture": wishes.seconds_per_picture,
        "bars": wishes.bars,
        "loop": wishes.loop,
        "like": wishes.like,
    }


def wishes_from_json(wishes: Value) -> Wishes:
    """The wishes of a report's JSON.

    Raises
    ------
    CmtError
        If one is missing, or cannot be read.
    """
    return Wishes(
        genre=wishes["genre"].maybe(lambda genre: genre.one_of(GENRES)),
        instruments=wishes["instruments"].maybe(lambda all_of: all_of.each(lambda one: one.one_of(INSTRUMENTS))),
        key=wishes["key"].maybe(_key),
        tempo=wishes["tempo"].maybe(Value.positive),
        length=wishes["length"].maybe(Value.positive),
        markers=wishes["markers"].each(
            lambda one: Marker(one["time"].number(), one["weight"].positive(), one["source"].text())
        ),
        tempo_map=wishes["tempo_map"].flag(),
        tempo_change=wishes["tempo_change"].number(),
        energy=wishes["energy"].maybe(_energy_from_json),
        mutes=wishes["mutes"].each(mute_from_json),
        takes=wishes["takes"].whole(1),
        chords=wishes["chords"].maybe(lambda text: _parsed(text, parse_chords)),
        form=wishes["form"].maybe(lambda text: _parsed(text, parse_form)),
        tempo_range=wishes["tempo_range"].maybe(_pair),
        liveliness=wishes["liveliness"].maybe(Value.number),
        ending=wishes["ending"].maybe(Value.text),
        mood=wishes["mood"].maybe(_mood),
        scenes=wishes["scenes"].each(
            lambda scene: WishedScene(
                begin=scene["begin"].number(),
                same_as=scene["same_as"].maybe(Value.whole),
                liveliness=scene["liveliness"].maybe(Value.number),
                mood=scene["mood"].maybe(_mood),
                shows=scene["shows"].maybe(Value.text),
            )
        ),
        seconds_per_picture=wishes["seconds_per_picture"].maybe(Value.positive),
        bars=wishes["bars"].maybe(lambda bars: bars.whole(1)),
        loop=wishes["loop"].flag(),
        like=wishes["like"].maybe(Value.text),
    )


def at_another_pace(wishes: Wishes, factor: float, tempo: float) -> Wishes:
    """The wishes for the same bars at another `tempo`, in BPM: every time in seconds is multiplied by `factor`."""
    energy = wishes.energy
    if energy is not None:
        energy = replace(
            energy,
            stretches=tuple(
                part._replace(begin=factor * part.begin, end=factor * part.end) for part in energy.stretches
            ),
            begins=tuple(begin._replace(time=factor * begin.time) for begin in energy.begins),
            moods=tuple(one._replace(time=factor * one.time) for one in energy.moods),
        )
    return replace(
        wishes,
        tempo=tempo,
        tempo_range=None,
        length=None if wishes.length is None else factor * wishes.length,
        energy=energy,
        mutes=tuple(mute._replace(begin=factor * mute.begin, end=factor * mute.end) for mute in mutes_of(wishes)),
        scenes=tuple(scene._replace(begin=factor * scene.begin) for scene in wishes.scenes),
    )


def mute_as_json(mute: Mute) -> dict[str, object]:
    """A mute as JSON; an end that is null is that of the piece."""
    return {"instrument": mute.instrument.label, "begin": mute.begin, "end": _finite(mute.end)}


def mute_from_json(mute: Value) -> Mute:
    """The mute of a report's JSON."""
    end = mute["end"].maybe(Value.number)
    begin = mute["begin"].number()
    if not 0 <= begin < (math.inf if end is None else end):
        raise mute.fault("a time that ends behind its begin")
    return Mute(mute["instrument"].one_of(INSTRUMENTS), begin, math.inf if end is None else end)


def _energy_as_json(energy: Energy) -> dict[str, object]:
    return {
        "stretches": [_stretch_as_json(part) for part in energy.stretches],
        "source": energy.source,
        "in_sections": energy.in_sections,
        "begins": [begin._asdict() for begin in energy.begins],
        "arc": [_stretch_as_json(part) for part in energy.arc],
        "moods": [one._asdict() for one in energy.moods],
    }


def _energy_from_json(energy: Value) -> Energy:
    return Energy(
        stretches=energy["stretches"].each(_stretch_from_json),
        source=energy["source"].text(),
        in_sections=energy["in_sections"].flag(),
        begins=energy["begins"].each(lambda begin: Begin(begin["time"].number(), begin["name"].maybe(Value.text))),
        arc=energy["arc"].each(_stretch_from_json),
        moods=energy["moods"].each(lambda one: MoodFrom(one["time"].number(), one["mood"].maybe(_mood))),
    )


def _stretch_as_json(part: Stretch) -> dict[str, object]:
    return {**part._asdict(), "end": _finite(part.end)}


def _stretch_from_json(part: Value) -> Stretch:
    end = part["end"].maybe(Value.number)
    begin, first, last = (part[name].number() for name in ("begin", "first", "last"))
    return Stretch(begin, math.inf if end is None else end, first, last)


def _finite(seconds: float) -> float | None:
    return None if math.isinf(seconds) else seconds


def _pair(pair: Value) -> tuple[float, float]:
    numbers = pair.each(Value.positive)
    if len(numbers) != 2:
        raise pair.fault("two numbers")
    return numbers[0], numbers[1]


def _mood(mood: Value) -> tuple[float, float]:
    numbers = mood.each(Value.number)
    if len(numbers) != 2 or max(map(abs, numbers)) > 1:
        raise mood.fault("valence and arousal, from -1 to 1")
    return numbers[0], numbers[1]


def _key(key: Value) -> WishedKey:
    return _parsed(key, lambda text: parse_key(text) if text else WishedKey())


def _parsed(text: Value, parse: Callable[[str], T]) -> T:
    try:
        return parse(text.text())
    except CmtError as error:
        raise CmtError(f"{text.file}: {text.path}: {error}") from None
