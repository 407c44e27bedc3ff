"""One colour for each instrument, in every picture and page."""

from __future__ import annotations

from midi_io.song import Instrument

COLOURS = {
    Instrument.DRUMS: "#4d4d4d",
    Instrument.PIANO: "#d1495b",
    Instrument.GUITAR: "#edae49",
    Instrument.BASS: "#00798c",
    Instrument.STRINGS: "#6a4c93",
}
"""The colours that tell the five tracks apart, by lightness too for readers who do not see all colours."""

ON_DARK = {
    Instrument.DRUMS: "#b9bec8",
    Instrument.PIANO: "#ff7b8b",
    Instrument.GUITAR: "#f3bc58",
    Instrument.BASS: "#41b9cb",
    Instrument.STRINGS: "#b99ae6",
}
"""The same where the ground is dark."""
