"""The score once more, in loops over words: slow, and easy to check against the text."""

from __future__ import annotations

import math

from cmt.matching.score import DENSITY_SCALE, MOST_STRENGTH, STRENGTH_SCALE, TEMPO_SCALE, VideoDemand
from cmt.music.encoding import Words, encode
from cmt.music.words import BAR, CompoundWord, WordType
from midi_io.song import POSITIONS_PER_BAR, Song


def score_directly(song: Song, demand: VideoDemand) -> tuple[float, int]:
    """The score at the best bar, and that bar."""
    return score_words(encode(song), song.tempo, demand)


def score_words(words: Words, tempo: float, demand: VideoDemand) -> tuple[float, int]:
    """The same from the song's words."""
    density, strength = [], []
    for row in words.fields.tolist():
        word = CompoundWord(*row)
        if word.type == WordType.RHYTHM and word.position == BAR:
            density.append(word.density - 1)
            strength.append([0] * POSITIONS_PER_BAR)
        elif word.type == WordType.RHYTHM:
            strength[-1][word.position - 1] += word.strength
    while density and density[-1] == 0:
        del density[-1], strength[-1]
    asked, n_bar = demand.strength.tolist(), len(demand.density)
    best, best_start = math.inf, 0
    for start in range(max(1, len(density) - n_bar + 1)):
        density_sum = strength_sum = n_beat = 0.0
        for bar in range(n_bar):
            is_there = start + bar < len(density)
            played = density[start + bar] if is_there else 0
            density_sum += (demand.density[bar] - played) ** 2
            for position in range(POSITIONS_PER_BAR):
                if asked[bar][position]:
                    n_note = min(MOST_STRENGTH, strength[start + bar][position]) if is_there else 0
                    strength_sum += (asked[bar][position] - n_note) ** 2
                    n_beat += 1
        distance = density_sum / n_bar / DENSITY_SCALE**2
        if n_beat:
            distance += strength_sum / n_beat / STRENGTH_SCALE**2
        if distance < best - 1e-9:
            best, best_start = distance, start
    octaves = math.log2(tempo / demand.tempo)
    return 1 / (1 + best + (octaves / TEMPO_SCALE) ** 2), best_start
