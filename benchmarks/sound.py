"""How loud each sound of a SoundFont is and what it loses with one speaker; what playing songs costs.

    python benchmarks/sound.py [--soundfont FILE] [--songs [MIDI ...]]

Each preset of our font plays a scale and a chord, a kit sixteen strokes, all at velocity 100, panned and with the
reverb of its instrument, before anything is normalised. `RMS` is the level of both channels in dB of full scale,
`off` how far it is from the median of all presets, `LUFS` the loudness by pyloudnorm (pip install pyloudnorm; without
it a dash), `peak` the largest sample, `mono` how many dB the mean of both channels is quieter, `corr` their
correlation. Another font is asked for the same presets; where it lacks one, the usual program plays.

A song is rendered as `cmt render` does, and then only played, in a process of its own: `all s` is the processor time of
the whole, which is synthesis, mix and master, `play s` that of synthesis alone, both with the font's loading. It is the
time of all threads together, so what one core takes. `MiB` is the largest memory of that process, numpy and Python
included. `--songs` without files renders a song of 60 s and five tracks, as full as a lively piece.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from midi_io import Instrument, Note, Song, find_soundfont, perform, read_midi, render
from midi_io.rendering import play
from midi_io.song import POSITIONS_PER_BAR
from midi_io.synthesis import OUR_SOUNDFONT

sys.path.extend(str(Path(__file__).parent.parent / folder) for folder in ("tests", "data"))
from make_soundfont import read_font  # the recipe's own reader
from presets import audio_of, measure  # what the tests measure too

RATE = 44100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--soundfont", help="another font")
    parser.add_argument("--songs", type=Path, nargs="*", help="MIDI files to render, or a made song")
    options = parser.parse_args()
    print(f"font {find_soundfont(options.soundfont).name}")
    if options.songs is not None:
        print_songs(options.songs or [None], options.soundfont)
    else:
        print_presets(options.soundfont)


def print_presets(soundfont: str | None) -> None:
    presets = read_font(OUR_SOUNDFONT.read_bytes()).presets
    audios = [audio_of(preset.bank, preset.program, soundfont) for preset in presets]
    sounds = [measure(audio) for audio in audios]
    middle = statistics.median(sound.loudness for sound in sounds)
    print(f"{'preset':28} {'RMS':>6} {'off':>6} {'LUFS':>6} {'peak':>5} {'mono':>5} {'corr':>5}")
    for preset, audio, sound in zip(presets, audios, sounds, strict=True):
        name = f"{preset.bank:3}:{preset.program:<3} {preset.name:20}"
        level = f"{sound.loudness:6.1f} {sound.loudness - middle:+6.1f} {loudness(audio):>6}"
        print(f"{name} {level} {sound.peak:5.2f} {sound.mono_loss:5.2f} {sound.correlation:+5.2f}")


def print_songs(songs: Sequence[Path | None], soundfont: str | None) -> None:
    print(f"{'song':24} {'s':>5} {'play s':>6} {'all s':>6} {'MiB':>5} {'LUFS':>6} {'mono':>5} {'corr':>5}")
    for path in songs:
        with get_context("spawn").Pool(1) as pool:
            audio, playing, everything, mebibytes = pool.apply(rendered, (path, soundfont))
        sound = measure(audio)
        name = path.name if path else "made song"
        cost = f"{len(audio) / RATE:5.0f} {playing:6.2f} {everything:6.2f} {mebibytes:5.0f}"
        print(f"{name:24} {cost} {loudness(audio):>6} {sound.mono_loss:5.2f} {sound.correlation:+5.2f}")


def rendered(path: Path | None, soundfont: str | None) -> tuple[NDArray[np.float32], float, float, float]:
    """The samples of a song, the seconds of processor time for playing and for all, and the mebibytes."""
    song = read_midi(path) if path else made_song()
    start = time.process_time()
    audio = render(song, soundfont=soundfont, sample_rate=RATE)
    middle = time.process_time()
    play(song, soundfont=soundfont, sample_rate=RATE)
    return audio, time.process_time() - middle, middle - start, peak_memory() / 2**20


def made_song() -> Song:
    """Thirty bars at 120 BPM, 19 notes a second: eighths on the hats, the bass and the guitar, chords, a string pad."""
    notes = []
    for bar in range(30):
        root = (0, 7, 9, 5)[bar % 4]
        chord = [48 + root + step for step in ((0, 3, 7) if root == 9 else (0, 4, 7))]
        for eighth in range(0, POSITIONS_PER_BAR, 2):
            place = bar * POSITIONS_PER_BAR + eighth
            drums = [42, *([36] if eighth in (0, 6, 8) else []), *([38] if eighth in (4, 12) else [])]
            notes += [Note(place, Instrument.DRUMS, key, 1, 90) for key in drums]
            notes += [Note(place, Instrument.BASS, 28 + (root + 8) % 12, 2, 95)]
            notes += [Note(place, Instrument.GUITAR, chord[eighth // 2 % 3] + 12, 2, 80)]
            if eighth % 8 == 0:
                notes += [Note(place, Instrument.PIANO, pitch + 12, 8, 85) for pitch in chord]
        notes += [Note(bar * POSITIONS_PER_BAR, Instrument.STRINGS, pitch + 24, 16, 75) for pitch in chord]
    return perform(Song.steady(notes, 120.0, 30 * POSITIONS_PER_BAR))


def peak_memory() -> int:
    """The most bytes that this process has had; Linux tells it apart from the process that started this one."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("no peak memory in /proc/self/status: songs are measured on Linux only")


def loudness(audio: NDArray[np.float32]) -> str:
    """Integrated loudness, ITU-R BS.1770-4, or a dash where there is no pyloudnorm."""
    if importlib.util.find_spec("pyloudnorm") is None:
        return "-"
    import pyloudnorm

    return f"{pyloudnorm.Meter(RATE).integrated_loudness(audio.astype(np.float64)):.1f}"


if __name__ == "__main__":
    main()
