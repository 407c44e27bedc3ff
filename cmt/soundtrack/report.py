"""The report that lies beside the music: everything that was decided, asked and obtained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import metadata
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from cmt.config import GenerateConfig
from cmt.grid.layout import describe_grid
from cmt.music.profile import profile_of_song
from cmt.planning.plan import Plan
from cmt.writing.orders import BarOrders
from cmt.writing.pieces import WrittenPiece
from midi_io.song import POSITIONS_PER_BEAT, Song

if TYPE_CHECKING:
    from cmt.soundtrack.takes import Judgement


def report_of(
    plan: Plan,
    piece: WrittenPiece,
    song: Song,
    orders: dict[int, BarOrders],
    config: GenerateConfig,
) -> dict[str, Any]:
    """The report on all that was decided, as JSON; `config` holds the seed of the piece that was kept."""
    wishes, duration = plan.wishes, plan.timeline.duration
    obtained = profile_of_song(song)
    n_bar = song.n_bar
    return {
        **_picture(plan),
        "duration": duration,
        **describe_grid(plan.timeline, plan.hits),
        "length_in_beats": (song.length - song.start) / POSITIONS_PER_BEAT,
        "markers": [{"time": marker.time, "weight": marker.weight} for marker in wishes.markers],
        "energy": _energy(plan),
        "energy_per_bar": list(plan.energies),
        "mutes": [
            {"instrument": mute.instrument.label, "begin": mute.begin, "end": min(mute.end, duration)}
            for mute in wishes.mutes
        ],
        "seed": config.seed,
        "genre": wishes.genre.label if wishes.genre is not None else None,
        "instruments": [instrument.label for instrument in song.instruments],
        "instruments_asked": [i.label for i in wishes.instruments] if wishes.instruments else None,
        "key": str(piece.key),
        "control": config.control,
        "dynamics": config.dynamics,
        "temperature": config.temperature,
        "guidance": config.guidance,
        "nucleus": config.nucleus,
        "pitch_nucleus": config.pitch_nucleus,
        "original_audio": wishes.original_audio,
        "n_word": len(piece.words.fields),
        "density_asked": [orders[bar].density if bar in orders else None for bar in range(n_bar)],
        "density_obtained": (list(obtained.density) + [0] * n_bar)[:n_bar],
        "strength_asked": [
            {"bar": bar, "position": position, "instrument": instrument.label, "strength": strength}
            for bar, order in sorted(orders.items())
            for (position, instrument), strength in sorted(order.strengths.items())
        ],
        "strength_obtained": [
            {"bar": note.bar, "position": note.position, "instrument": note.instrument.label, "strength": note.strength}
            for note in obtained.simu_notes
        ],
        "versions": {name: _version(name) for name in ("video-cmt", "numpy", "av")},
    }


def takes_as_json(judgements: Sequence[Judgement], files: Sequence[str]) -> list[dict[str, Any]]:
    """The judgement of each take, the best first; `files` are the names of those that were kept, the best ones."""
    return [
        {
            "seed": judgement.seed,
            "file": file,
            "rejected": list(judgement.reasons),
            "score": round(judgement.score, 4),
            "match": None if judgement.match is None else round(judgement.match, 4),
            "likeness": None if judgement.likeness is None else round(judgement.likeness, 4),
            "unlike_real_songs": list(judgement.outside),
        }
        for judgement, file in zip_longest(judgements, files[: len(judgements)])
    ]


def _picture(plan: Plan) -> dict[str, Any]:
    rhythm = plan.rhythm
    if rhythm is None:
        return {
            "video": None,
            "picture_stream": None,
            "fps": None,
            "visual_tempo": None,
            "visual_beats": [],
            "cuts": [],
            "speed_per_bar": None,
        }
    borders = np.array(plan.timeline.bar_borders)
    return {
        "video": rhythm.path,
        "picture_stream": rhythm.stream_index,
        "fps": rhythm.fps,
        "visual_tempo": rhythm.tempo,
        "visual_beats": [{"time": beat.time, "saliency": beat.saliency} for beat in rhythm.visual_beats],
        "cuts": list(rhythm.cuts),
        "speed_per_bar": [float(speed) for speed in rhythm.flow.mean_speed(borders)],
    }


def _energy(plan: Plan) -> dict[str, Any] | None:
    """The energy as the user gave it."""
    energy = plan.wishes.energy
    if energy is None:
        return None
    end = plan.timeline.duration
    return {
        "source": energy.source,
        "stretches": [
            {
                "begin": begin,
                "end": end if math.isinf(until) else until,
                "first": first,
                "last": last,
            }
            for begin, until, first, last in energy.stretches
        ],
    }


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
