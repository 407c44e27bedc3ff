"""How the finished sound of soundtracks measures: loudness, peaks, mono, stems, and the lengths of picture and sound.

    python benchmarks/mixes.py VIDEO [VIDEO ...] -o FOLDER [--genres pop rock] [--control 0.7] [--seed 0]
    python benchmarks/mixes.py FOLDER

With videos the whole job is done first, for each genre into a folder of its own, FOLDER/pop and so on, by
`make_soundtrack`; what lies there already is not made again. Then every soundtrack under the folder is measured, which
is a report (.json) with its .wav, and its .mp4 if there was a video; those of `cmt generate -o FOLDER` as well.

`LUFS` is the integrated loudness of the WAV by pyloudnorm, `ffmpeg` by FFmpeg's ebur128, `off` the larger of both
distances to the loudness that the report says was asked for, `LRA` the loudness range by ebur128 in LU, `peak` the true
peak in dBTP by ebur128, of the WAV and of the sound in the mp4 as it is decoded. `mono` is by how many LU the mean of
both channels, played by two loudspeakers, is softer (pyloudnorm), `corr` the channels' correlation. `picture` and
`sound` are the seconds of both in the mp4, from 0 to the end of the last packet; `apart` is by how many ms the sound is
longer. `stems` is the level of the mix minus the sum of its stems (NAME.drums.wav ...), in dB under the mix; a dash
where none lie beside it. The last line has the worst of each.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from hearing import Sound, correlation, ebur128, loudness, mono_loss, read_sound

from cmt import GenerateConfig, Wishes, make_soundtrack
from cmt.music.words import GENRES
from midi_io.song import INSTRUMENTS

MISSING = float("nan")


class Mix(NamedTuple):
    """A finished soundtrack; nan where there is nothing to measure."""

    target: float
    pyloudnorm: float
    ffmpeg: float
    range: float
    peak: float
    peak_in_film: float
    mono_loss: float
    correlation: float
    picture: float
    sound: float
    stems: float

    @property
    def off(self) -> float:
        """LU from the target, by the tool that says more."""
        return max(self.pyloudnorm - self.target, self.ffmpeg - self.target, key=abs)

    @property
    def apart(self) -> float:
        """Milliseconds that the sound is longer than the picture."""
        return 1000 * (self.sound - self.picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs="+", help="videos, or one folder with soundtracks")
    parser.add_argument("-o", "--output", type=Path, help="folder for what is made for videos")
    parser.add_argument("--genres", nargs="+", choices=list(GENRES), default=list(GENRES))
    parser.add_argument("--control", type=float, default=GenerateConfig.control)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = options.sources[0]
    if not folder.is_dir():
        if options.output is None:
            parser.error("-o FOLDER is needed where there are videos")
        folder = options.output
        config = GenerateConfig(control=options.control, seed=options.seed)
        make_all(options.sources, folder, options.genres, config)
    reports = soundtracks(folder)
    if not reports:
        parser.error(f"{folder}: no soundtrack with a report (.json) and its .wav")
    print(HEAD)
    mixes = []
    for report in reports:
        mixes.append(measure(report))
        print(f"{name_of(report, folder):44} {row(mixes[-1])}", flush=True)
    print(f"{'worst':44} {worst(mixes)}")


def make_all(videos: Sequence[Path], folder: Path, genres: Sequence[str], config: GenerateConfig) -> None:
    """A soundtrack for each video and genre, of which ``free`` leaves it open, unless it is there."""
    for video in videos:
        for genre in genres:
            if (folder / genre / f"{video.stem}.json").exists():
                continue
            begin = time.perf_counter()
            made = make_soundtrack(video, folder / genre, Wishes(genre=None if genre == "free" else genre), config)
            print(
                f"made {genre}/{video.stem} of {made.report.duration:.1f} s in {time.perf_counter() - begin:.1f} s",
                flush=True,
            )


def soundtracks(folder: Path) -> list[Path]:
    """The reports below a folder that have a WAV beside them."""
    return [path for path in sorted(folder.rglob("*.json")) if path.with_suffix(".wav").exists()]


def name_of(report: Path, folder: Path) -> str:
    return str(report.relative_to(folder).with_suffix(""))


def measure(report: Path) -> Mix:
    """All that is measured of the soundtrack of a report."""
    target = json.loads(report.read_text(encoding="utf-8"))["loudness"]
    sound = read_sound(report.with_suffix(".wav"))
    levels = ebur128(sound)
    film = report.with_suffix(".mp4")
    peak_in_film = picture = sound_in_film = MISSING
    if film.exists():
        heard = read_sound(film)
        peak_in_film, (picture, sound_in_film) = ebur128(heard).true_peak, lengths(film)
    return Mix(
        target=MISSING if target is None else target,
        pyloudnorm=loudness(sound.samples, sound.rate),
        ffmpeg=levels.integrated,
        range=levels.range,
        peak=levels.true_peak,
        peak_in_film=peak_in_film,
        mono_loss=mono_loss(sound),
        correlation=correlation(sound),
        picture=picture,
        sound=sound_in_film,
        stems=null_of_stems(report, sound),
    )


def lengths(film: Path) -> tuple[float, float]:
    """Seconds from 0 to the end of the last packet of the picture and of the music, as a player counts them."""
    with av.open(str(film)) as container:
        ends = {stream: 0.0 for stream in (container.streams.video[0], container.streams.audio[0])}
        for packet in container.demux(*ends):
            if packet.pts is not None:
                end = (packet.pts + (packet.duration or 0)) * packet.stream.time_base
                ends[packet.stream] = max(ends[packet.stream], float(end))
    picture, sound = ends.values()
    return picture, sound


def null_of_stems(report: Path, mix: Sound) -> float:
    """Level of mix minus the sum of its stems, dB of the mix; nan without stems, minus 200 where nothing is left."""
    stems = [path for name in INSTRUMENTS if (path := report.with_suffix(f".{name}.wav")).exists()]
    if not stems:
        return MISSING
    left = mix.samples.astype(np.float64)
    power = float(np.mean(np.square(left)))
    for path in stems:
        stem = read_sound(path)
        if stem.samples.shape != mix.samples.shape or stem.rate != mix.rate:
            raise SystemExit(f"{path}: is not as long as the mix, or of another rate")
        left -= stem.samples
    return 10 * float(np.log10(max(np.mean(np.square(left)) / power, 1e-20)))


HEAD = (
    f"{'soundtrack':44} {'LUFS':>6} {'ffmpeg':>6} {'off':>5} {'LRA':>4} {'peak':>5} {'in mp4':>6} {'mono':>5} "
    f"{'corr':>5} {'picture':>8} {'sound':>8} {'apart':>6} {'stems':>6}"
)


def row(mix: Mix) -> str:
    cells = (
        f"{mix.pyloudnorm:6.2f} {mix.ffmpeg:6.2f} {mix.off:+5.2f} {mix.range:4.1f} {mix.peak:5.2f} "
        f"{mix.peak_in_film:6.2f} {mix.mono_loss:5.2f} {mix.correlation:+5.2f} {mix.picture:8.3f} {mix.sound:8.3f} "
        f"{mix.apart:+6.1f} {mix.stems:6.0f}"
    )
    return cells.replace("+nan", "   -").replace("nan", "  -")


def worst(mixes: Sequence[Mix]) -> str:
    def most(value: Callable[[Mix], float], by: Callable[[float], float] = float) -> float:
        values = [value(mix) for mix in mixes if np.isfinite(value(mix))]
        return max(values, key=by, default=MISSING)

    off, apart = most(lambda mix: mix.off, abs), most(lambda mix: mix.apart, abs)
    peak, peak_in_film = most(lambda mix: mix.peak), most(lambda mix: mix.peak_in_film)
    mono, stems = most(lambda mix: mix.mono_loss), most(lambda mix: mix.stems)
    lowest = min(mix.correlation for mix in mixes)
    cells = (
        f"{'':13} {off:+5.2f} {'':4} {peak:5.2f} {peak_in_film:6.2f} {mono:5.2f} {lowest:+5.2f} {'':17} {apart:+6.1f} "
        f"{stems:6.0f}"
    )
    return cells.replace("+nan", "   -").replace("nan", "  -")


if __name__ == "__main__":
    main()
