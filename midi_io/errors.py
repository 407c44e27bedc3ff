"""The errors that a user's file, SoundFont or missing library raises."""

from __future__ import annotations


class MidiError(Exception):
    """Root of this package's errors. The message is one line: what, where, cure."""


class SynthesisError(MidiError):
    """No sound can be made: FluidSynth or its SoundFont is missing or unusable."""
