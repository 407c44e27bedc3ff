"""Small networks of each kind, and pieces for them to read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from cmt.config import PRESETS
from cmt.music.encoding import encode, notes_of_song, timing_bins
from cmt.music.lead_sheet import sheet_of
from cmt.music.words import initial_words
from cmt.network.checkpoint import save_checkpoint
from cmt.training.dataset import Example
from cmt.training.model import MusicTransformer, weights_of
from midi_io.song import Instrument, Note, Song

TINY = replace(PRESETS["tiny"], echo_bars=(), cues=False)
QUICK = replace(PRESETS["tiny"], d_model=32, n_layer=1, d_feed_forward=64)
"""All that a network can be told, and hardly any work at each word: for tests of what is done with the words."""
ECHO_BARS = (1, 2)
VARIANTS = {
    "chained and normalised first": {},
    "as in the paper": {"chained_heads": False, "pre_norm": False, "metre": False},
    "with echoes": {"echo_bars": ECHO_BARS},
    "with cues": {"echo_bars": ECHO_BARS, "cues": True},
    "with cues alone": {"cues": True},
}


def example(n_bar=3, seed=0):
    rng = np.random.default_rng(seed)
    drawn = rng.integers([0, 0, 40], [16 * n_bar, 5, 80], (40, 3))
    notes = {(position, Instrument(track), pitch) for position, track, pitch in drawn.tolist()}
    song = Song.steady(tuple(Note(*note, 2) for note in notes), 120, 16 * n_bar)
    words = encode(song)
    timing = timing_bins(words.positions, 16 * n_bar)
    sheet = sheet_of(notes_of_song(song), n_bar)
    return Example(initial_words(tempo=120.0), words.fields, words.positions, timing, sheet)


def network(variant: str) -> MusicTransformer:
    """With weights at random, also those that training begins with zeros."""
    torch.manual_seed(0)
    model = MusicTransformer(replace(TINY, **VARIANTS[variant])).eval()
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model


def write_untrained(path: Path, *, cues: bool = True) -> Path:
    """A checkpoint of `QUICK`, or of what networks were before they were told lead sheets."""
    torch.manual_seed(0)
    model = MusicTransformer(replace(QUICK, cues=cues))
    # As full as songs are: left to itself it strikes about as many keys at once as it may.
    bias = model.heads.out["strength"].bias
    bias.data -= 0.7 * torch.arange(len(bias))
    save_checkpoint(model.config, weights_of(model), path, {"words": 0})
    return path
