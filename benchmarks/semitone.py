"""Do the players hear each other? What a new pitch costs when all others play a semitone higher.

    python benchmarks/semitone.py --pack lpd5_16th_labelled.npz.xz [--checkpoint FILE] [--pieces 70]

Of held-out excerpts of 8 to 32 bars each pitched track is kept, and the other pitched tracks are moved up a semitone.
The network reads both; the table has the nats of the track's *new* pitches, which it did not play at the same place of
the bar 1, 2, 4, 8 or 16 bars before, nor in the bar that the sheet says is repeated. A network that hears the other
players is surprised. The sheet is unknown, or known as the kept piece has it, or as the moved one has it.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from cmt.config import TrainConfig
from cmt.corpus.reading import read_corpus
from cmt.music.encoding import NoteArrays, encode_notes, timing_bins
from cmt.music.lead_sheet import LeadSheet, sheet_of
from cmt.music.words import FIELDS, WordType
from cmt.network.checkpoint import config_from, default_checkpoint, load_tensors
from cmt.training.collate import collate
from cmt.training.dataset import Example, Piece, Songs, draw_piece
from cmt.training.model import MusicTransformer
from midi_io.song import POSITIONS_PER_BAR, Instrument

PITCHED = tuple(instrument for instrument in Instrument if instrument is not Instrument.DRUMS)
LAGS = (1, 2, 4, 8, 16)
LEAST_NOTES = 8
"""A track with fewer notes, or without another pitched track, is left out."""


class Heard(NamedTuple):
    """The nats of one track's new pitches in one piece, summed, by what is known of the sheet."""

    instrument: Instrument
    n_note: int
    kept: dict[str, float]
    moved: dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True)
    parser.add_argument("--checkpoint", type=Path, default=default_checkpoint())
    parser.add_argument("--pieces", type=int, default=70)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    tensors, description = load_tensors(arguments.checkpoint)
    network = MusicTransformer(config_from(description["model"])).eval()
    network.load_state_dict({name: torch.from_numpy(weight.astype(np.float32)) for name, weight in tensors.items()})
    songs = Songs(read_corpus(arguments.pack, "val"))
    config = replace(TrainConfig(), whole_song_share=0.0, joined_share=0.0, splice_share=0.0, min_bars=8, max_bars=32)
    rng, rows, n_piece = np.random.default_rng(5), defaultdict(list), 0
    while n_piece < arguments.pieces:
        piece = draw_piece(songs, songs.draw(config, rng), config, rng)
        if piece is None:
            continue
        n_piece += 1
        for heard in heard_in(network, piece):
            rows[heard.instrument].append(heard)
    print(f"{n_piece} held-out excerpts; nats of a new pitch: kept, and what moving the others a semitone adds\n")
    print("| | new pitches | sheet unknown | added | sheet of the song | added | sheet of what is moved | added |")
    print("|---|" + "---|" * 7)
    for instrument in PITCHED:
        its = rows[instrument]
        n_note = sum(heard.n_note for heard in its)
        cells = [instrument.label, str(n_note)]
        for known in ("unknown", "song", "moved"):
            kept, moved = (
                sum(each[known] for each in column) / max(1, n_note)
                for column in zip(*((heard.kept, heard.moved) for heard in its), strict=True)
            )
            cells += [f"{kept:.2f}", f"{moved - kept:+.2f}"]
        print("| " + " | ".join(cells) + " |")


def heard_in(network: MusicTransformer, piece: Piece) -> Iterator[Heard]:
    """What each pitched track's new pitches cost."""
    sheet = sheet_of(piece.notes, piece.n_bar)
    for instrument in PITCHED:
        own = piece.notes.instrument == instrument
        others = ~own & (piece.notes.instrument != Instrument.DRUMS)
        if own.sum() < LEAST_NOTES or not others.any():
            continue
        shifted = piece.notes._replace(pitch=np.minimum(piece.notes.pitch + others, 127))
        shifted_sheet = sheet_of(shifted, piece.n_bar)
        is_new = new_pitches(piece, sheet, instrument)
        if not is_new.any():
            continue
        kept, moved = (
            {
                known: float(nats_of(network, piece, notes, told, instrument)[is_new].sum())
                for known, told in (("unknown", None), ("song", sheet), ("moved", other))
            }
            for notes, other in ((piece.notes, sheet), (shifted, shifted_sheet))
        )
        yield Heard(instrument, int(is_new.sum()), kept, moved)


def new_pitches(piece: Piece, sheet: LeadSheet, instrument: Instrument) -> np.ndarray:
    """(n_note of the track,) which of its pitches it did not play at the same place of an earlier bar."""
    words = encode_notes(piece.notes, piece.n_bar)
    chosen = is_note_of(words.fields, instrument)
    positions, pitches = words.positions[chosen], words.fields[chosen, FIELDS.index("pitch")]
    played = set(zip(positions.tolist(), pitches.tolist(), strict=True))
    new = []
    for position, pitch in zip(positions.tolist(), pitches.tolist(), strict=True):
        lags = {*LAGS, int(sheet.lags[position // POSITIONS_PER_BAR])} - {0}
        new.append(all((position - lag * POSITIONS_PER_BAR, pitch) not in played for lag in lags))
    return np.array(new, bool)


def is_note_of(fields: np.ndarray, instrument: Instrument) -> np.ndarray:
    """(n_word,) which words are notes of a track."""
    is_note = fields[:, 0] == WordType.NOTE
    mask: np.ndarray = is_note & (fields[:, FIELDS.index("instrument")] == int(instrument) + 1)
    return mask


def nats_of(
    network: MusicTransformer, piece: Piece, notes: NoteArrays, sheet: LeadSheet | None, instrument: Instrument
) -> np.ndarray:
    """(n_note of the track,) -log p of its pitches."""
    words = encode_notes(notes, piece.n_bar)
    timing = timing_bins(words.positions, piece.n_bar * POSITIONS_PER_BAR)
    batch = collate([Example(piece.initial, words.fields, words.positions, timing, sheet)], network.config)
    rows = torch.from_numpy(np.flatnonzero(is_note_of(words.fields, instrument)))
    with torch.inference_mode():
        fields = batch.fields[0][rows]
        logits = network.heads.logits("pitch", network.hidden(batch)[0][rows], fields)
        if network.relative is not None and batch.cues is not None:
            logits = logits + network.relative(fields, batch.positions[0][rows], batch.cues[0][rows])
        nats = functional.cross_entropy(logits.float(), fields[:, FIELDS.index("pitch")], reduction="none")
    return nats.numpy()


if __name__ == "__main__":
    main()
