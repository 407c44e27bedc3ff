"""What the user asks of the music, and which of it cannot be."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cmt.config import MOST_TEMPO_CHANGE, TEMPO_CHANGE, GenerateConfig
from cmt.errors import CmtError
from cmt.film.mux import OriginalAudio
from cmt.grid.hits import Marker, checked_markers
from cmt.music.key import parse_key
from cmt.music.words import Genre
from cmt.planning.energy import Energy, check_energy
from cmt.planning.mutes import Mute, check_mutes, muted_throughout
from midi_io.song import Instrument

TEMPO_LIMITS = (20.0, 400.0)
"""The lowest and the highest tempo, in BPM, that a user may ask for."""
LENGTH_LIMITS = (1.0, 14_400.0)
"""The fewest and the most seconds that music without a video may last."""
ALL_INSTRUMENTS = tuple(Instrument)


@dataclass(frozen=True)
class Wishes:
    """What the user asks of the music; None leaves it open."""

    genre: Genre | None = None
    instruments: tuple[Instrument, ...] | None = ALL_INSTRUMENTS
    key: str | None = None
    """The key, such as ``F#:minor``, ``C``, ``:major``; None leaves it open."""
    tempo: float | None = None
    """The exact BPM; None chooses one at which the picture's hits fall on the grid."""
    length: float | None = None
    """The seconds of music without a video; None with one."""
    markers: tuple[Marker, ...] = ()
    """The times that the music meets before all others."""
    tempo_map: bool = False
    """Whether the tempo may change at cuts and markers, so that they fall on the grid exactly."""
    tempo_change: float = TEMPO_CHANGE
    """A tempo map may leave the tempo by this many per cent."""
    energy: Energy | None = None
    """The liveliness of the music where the user, not the picture, says it."""
    mutes: tuple[Mute, ...] = ()
    """The times at which instruments must be silent."""
    takes: int = 1
    """The number of pieces written, of which the best is kept; their seeds follow one another."""
    keep_takes: bool = False
    """Whether the other takes' MIDI files are kept too."""
    original_audio: OriginalAudio = "drop"
    midi_only: bool = False
    """Whether neither audio nor video is written: no FluidSynth is needed."""


def check_wishes(wishes: Wishes, config: GenerateConfig) -> None:
    """Raise a CmtError for what cannot be, whatever the video is."""
    if not 0 <= config.control <= 1:
        raise CmtError(f"control {config.control:g}: must be from 0 (free music) to 1 (the video decides)")
    if not 0 < config.temperature <= 5:
        raise CmtError(f"temperature {config.temperature:g}: must be above 0 and at most 5")
    if not 0 <= config.guidance <= 10:
        raise CmtError(f"guidance {config.guidance:g}: must be from 0 (no genre) to 10")
    if wishes.tempo is not None and not TEMPO_LIMITS[0] <= wishes.tempo <= TEMPO_LIMITS[1]:
        raise CmtError(f"tempo {wishes.tempo:g}: must be from {TEMPO_LIMITS[0]:g} to {TEMPO_LIMITS[1]:g} BPM")
    if wishes.length is not None and not LENGTH_LIMITS[0] <= wishes.length <= LENGTH_LIMITS[1]:
        raise CmtError(f"length {wishes.length:g}: must be from {LENGTH_LIMITS[0]:g} to {LENGTH_LIMITS[1]:g} seconds")
    if wishes.tempo_map and not 0 < wishes.tempo_change <= MOST_TEMPO_CHANGE:
        raise CmtError(
            f"tempo change {wishes.tempo_change:g}: must be above 0 and at most {MOST_TEMPO_CHANGE:g} per cent"
        )
    if wishes.takes < 1:
        raise CmtError(f"takes {wishes.takes}: must be 1 or more")
    if wishes.key is not None:
        parse_key(wishes.key)
    for mute in wishes.mutes:
        if wishes.instruments is not None and mute.instrument not in wishes.instruments:
            raise CmtError(f"`mutes` {mute}: {mute.instrument.label} is not among `instruments`; leave one of them out")


def settled(wishes: Wishes, duration: float) -> Wishes:
    """The wishes for a piece of `duration` seconds: markers in order, instruments without those that never sound.

    Raises
    ------
    CmtError
        If a time lies outside the piece, or an instrument that was chosen is muted throughout.
    """
    check_mutes(wishes.mutes, duration)
    if wishes.energy is not None:
        check_energy(wishes.energy, duration)
    return replace(
        wishes,
        markers=checked_markers(wishes.markers, duration),
        instruments=_heard(wishes, muted_throughout(wishes.mutes, duration)),
    )


def _heard(wishes: Wishes, silent: set[Instrument]) -> tuple[Instrument, ...] | None:
    names = ", ".join(sorted(instrument.label for instrument in silent))
    if silent == set(ALL_INSTRUMENTS):
        raise CmtError(f"`mutes`: {names} are muted from beginning to end, so nothing is left to play; leave one out")
    if wishes.instruments is None:
        return None
    # Where all instruments were chosen, the default, muting one throughout is a way to do without it.
    if silent and set(wishes.instruments) != set(ALL_INSTRUMENTS):
        raise CmtError(f"`mutes`: {names} from beginning to end, yet among `instruments`; leave one of them out")
    return tuple(instrument for instrument in wishes.instruments if instrument not in silent)
