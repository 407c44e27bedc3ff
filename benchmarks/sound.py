"""How loud each sound of a SoundFont is and what it loses with one speaker; what playing songs costs.

    python benchmarks/sound.py [--soundfont FILE] [--songs MIDI ...]

Each preset of our font plays a scale and a chord, a kit sixteen strokes, all at velocity 100, panned and with the
reverb of its instrument, before anything is normalised. `RMS` is the level of both channels in dB of full scale,
`off` how far it is from the median of all presets, `LUFS` the loudness by pyloudnorm (pip install pyloudnorm; without
it a dash), `peak` the largest sample, `mono` how many dB the mean of both channels is quieter, `corr` their
correlation. Another font is asked for the same presets; where it lacks one, the usual program plays.

A song is played and then rendered as `cmt render` does, in a process of its own: `play s` is the processor time of
FluidSynth with the font's loading, `all s` that of the whole, mastering included, `MiB` the largest memory of that
process, numpy and Python included.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from midi_io import find_soundfont, read_midi, render
from midi_io.rendering import play
from midi_io.synthesis import OUR_SOUNDFONT

sys.path.extend(str(Path(__file__).parent.parent / folder) for folder in ("tests", "data"))
from make_soundfont import read_font  # the recipe's own reader
from presets import audio_of, measure  # what the tests measure too

RATE = 44100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--soundfont", help="another font")
    parser.add_argument("--songs", type=Path, nargs="*", default=[], help="MIDI files to render")
    options = parser.parse_args()
    print(f"font {find_soundfont(options.soundfont).name}")
    if options.songs:
        print_songs(options.songs, options.soundfont)
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


def print_songs(songs: list[Path], soundfont: str | None) -> None:
    print(f"{'song':24} {'s':>5} {'play s':>6} {'all s':>6} {'MiB':>5} {'LUFS':>6} {'mono':>5} {'corr':>5}")
    for path in songs:
        with get_context("spawn").Pool(1) as pool:
            audio, playing, everything, mebibytes = pool.apply(rendered, (path, soundfont))
        sound = measure(audio)
        cost = f"{len(audio) / RATE:5.0f} {playing:6.2f} {everything:6.2f} {mebibytes:5.0f}"
        print(f"{path.name:24} {cost} {loudness(audio):>6} {sound.mono_loss:5.2f} {sound.correlation:+5.2f}")


def rendered(path: Path, soundfont: str | None) -> tuple[NDArray[np.float32], float, float, float]:
    """The samples of a song, the seconds of processor time for playing and for all, and the mebibytes."""
    song = read_midi(path)
    start = time.process_time()
    play(song, soundfont=soundfont, sample_rate=RATE)
    middle = time.process_time()
    audio = render(song, soundfont=soundfont, sample_rate=RATE)
    return audio, middle - start, time.process_time() - middle, peak_memory() / 2**20


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
