"""What the command line calls the settings that messages name.

Below the command line a message names a setting as Python does, between backticks: "give times with `markers`". What is
printed on a terminal goes through `with_flags` first: "give times with --hit".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SOUNDFONT_VARIABLE = "CMT_SOUNDFONT"
"""The environment variable that stands for --soundfont where the option is left out."""

FLAGS: Mapping[str, str] = {
    "accumulate": "--accumulate",
    "bars": "--bars",
    "bit_depth": "--bit-depth",
    "checkpoint": "--checkpoint",
    "chords": "--chords",
    "end": "--end",
    "fade_in": "--fade-in",
    "fade_out": "--fade-out",
    "folder": "folder with -o",
    "describe": "--describe",
    "device": "--device",
    "form": "--form",
    "genre": "--genre",
    "guidance": "--guidance",
    "host": "--host",
    "format": "--format",
    "instruments": "--instruments",
    "int8": "--int8",
    "kernel": "--kernel",
    "key": "--key",
    "like": "--like",
    "learning_rate": "--learning-rate",
    "length": "--length",
    "loop": "--loop",
    "marker_kinds": "--marker-kinds",
    "markers": "--hit",
    "midi_only": "--midi-only",
    "model_config": "--preset and --heads",
    "mutes": "--mute",
    "name": "--name",
    "optimizer": "--optimizer",
    "original_audio": "--original-audio",
    "overwrite": "--overwrite",
    "pair_list": "--pairs",
    "port": "--port",
    "precision": "--precision",
    "programs": "--program",
    "redo": "--redo",
    "report": "--from",
    "resume": "--resume",
    "sample_rate": "--sample-rate",
    "scheduler": "--scheduler",
    "sections": "--section",
    "seconds_per_picture": "--seconds-per-picture",
    "seed": "--seed",
    "sound_events": "--sound-events",
    "sound_library": "--sound-library",
    "sounds": "--sounds",
    "soundfont": f"--soundfont or ${SOUNDFONT_VARIABLE}",
    "start": "--start",
    "start_from": "--start-from",
    "stems": "--stems",
    "temperature": "--temperature",
    "tempo": "--tempo",
    "tempo_change": "--tempo-change",
    "tempo_map": "--tempo-map",
    "tensorboard": "--tensorboard",
    "timecode": "--timecode",
    "words_per_step": "--words-per-step",
}
"""Python's name of each setting that a message may name, and what a user types in a shell."""


def with_flags(message: str) -> str:
    """The message with flags in place of the settings' names; other words between backticks stay as they are."""
    return re.sub(r"`(\w+)`", lambda found: FLAGS.get(found[1], found[0]), message)
