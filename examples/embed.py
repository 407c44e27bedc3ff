"""MIDI in memory for frames that never were on disk: a ball that bounces."""

import numpy as np

import cmt

heights = 140 * np.abs(np.cos(np.pi * np.arange(192) / 24))
frames = np.full((len(heights), 180, 320, 3), 40, np.uint8)
for frame, height in zip(frames, heights.astype(int), strict=True):
    frame[140 - height : 180 - height, 140:180] = 240, 200, 60

composer = cmt.Composer()  # loads the networks, once for many pieces
piece = composer.compose(cmt.Frames(frames, fps=24), cmt.Wishes(genre="pop", mode="minor"))
midi = piece.midi()
print(f"{len(piece.song.notes)} notes at {piece.report.grid.tempo:.0f} BPM: {len(midi)} bytes of MIDI")
