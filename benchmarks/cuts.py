"""Cuts where they are hard to tell: ours and PySceneDetect's on one montage in many makings, and on single files.

    python benchmarks/cuts.py MONTAGE [--files VIDEO=1.2,2.4 ...] [--none VIDEO ...] [--scenedetect PYTHON]
                              [--keep FOLDER]

MONTAGE is a video with a file `<montage>.gt.json` beside it, which has the true `cut_frames` and `fps`. It is looked at
as it is and as others would have made it, each time as a file of its own:

    50 fps, blended; 25 fps, blended   FFmpeg's `minterpolate=mi_mode=blend`
    24 fps, averaged                   each picture is the mean of all that was shown while it is
    25i, woven                         two fields of different times in each picture
    25i of 50 fps, blended             the same, each field from the blended pictures
    in the dark                        a seventh of the light
    slides, ...                        the first picture of each shot, stored once (GIF, variable rate) or once a second

and with other things in place of its cuts, where no cut is to be found: dissolves of 5, 10 and 25 pictures, flashes of
one and two white pictures inside its shots, and pictures that are swept aside within 0.2 s.

A found cut counts if it is at most one picture off a true one. `--files` are more videos with their true cuts in
seconds, `--none` videos without any. `--scenedetect` names an interpreter in which scenedetect can be imported; its two
detectors run with their own settings. `--keep` is where the files stay.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from video_rhythm import VideoError, analyze

Picture = NDArray[np.uint8]
"""A picture (rows, columns, 3) in red, green and blue."""
SIZE = (320, 180)
"""The columns and rows of the montages that are made."""
LEAST_SHOT = 30
"""A shot of which a dissolve or a sweep is made has at least so many pictures; at most twice as many are taken."""
ROUNDING = 0.006
"""Stamps and rates are rounded: seconds by which times that mean the same may differ."""
DETECTORS = ("ContentDetector", "AdaptiveDetector")
PEER = """
import json, sys
import scenedetect
for name in sys.argv[2:]:
    scenes = scenedetect.detect(sys.argv[1], getattr(scenedetect, name)())
    print(json.dumps([float(begin.get_seconds()) for begin, _ in scenes[1:]]))
"""


class Montage(NamedTuple):
    """What the makings are made of."""

    pictures: list[Picture]
    fps: Fraction
    cut_frames: list[int]

    @property
    def cuts(self) -> list[float]:
        """Seconds."""
        return [float(number / self.fps) for number in self.cut_frames]

    @property
    def shots(self) -> list[list[Picture]]:
        return [self.pictures[a:b] for a, b in pairwise([0, *self.cut_frames, len(self.pictures)])]


class Making(NamedTuple):
    """A file to look at."""

    name: str
    path: Path
    cuts: Sequence[float]
    """The true cuts in seconds."""
    picture: float
    """The seconds by which a found cut may be off."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("montage", type=Path)
    parser.add_argument("--files", nargs="+", default=[], metavar="VIDEO=TIMES")
    parser.add_argument("--none", nargs="+", type=Path, default=[], metavar="VIDEO")
    parser.add_argument("--scenedetect", metavar="PYTHON")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    print("| video | cuts | ours | PySceneDetect, content | PySceneDetect, adaptive |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for making in makings(arguments, Path(arguments.keep or folder)):
            print(row(making, arguments.scenedetect), flush=True)


def makings(arguments: argparse.Namespace, folder: Path) -> Iterator[Making]:
    folder.mkdir(parents=True, exist_ok=True)
    montage = read_montage(arguments.montage)
    yield Making("the montage as it is", arguments.montage, montage.cuts, 0.0)
    yield from made_anew(montage, arguments.montage, folder)
    yield from slides(montage, folder)
    yield from without_cuts(montage, folder)
    for entry in arguments.files:
        path, _, times = entry.partition("=")
        yield Making(Path(path).name, Path(path), [float(time) for time in times.split(",") if time], 1 / 25)
    for path in arguments.none:
        yield Making(path.name, path, [], 0.0)


def read_montage(path: Path) -> Montage:
    known = json.loads(path.with_name(path.name + ".gt.json").read_text(encoding="utf-8"))
    with av.open(str(path)) as container:
        pictures = [
            picture.to_ndarray(width=SIZE[0], height=SIZE[1], format="rgb24") for picture in container.decode(video=0)
        ]
    return Montage(pictures, Fraction(known["fps"]), known["cut_frames"])


def made_anew(montage: Montage, path: Path, folder: Path) -> Iterator[Making]:
    for fps in (50, 25):
        made = write(folder / f"blended{fps}.mp4", blended(path, fps), fps)
        yield Making(f"{fps} fps, blended", made, montage.cuts, 1 / fps)
    yield Making("24 fps, averaged", write(folder / "averaged24.mp4", averaged(montage, 24), 24), montage.cuts, 1 / 24)
    near = [montage.pictures[int(k * montage.fps / 50)] for k in range(int(len(montage.pictures) / montage.fps * 50))]
    yield Making("25i, woven", write(folder / "woven.mp4", woven(near), 25), montage.cuts, 1 / 25)
    made = write(folder / "woven_blended.mp4", woven(list(blended(path, 50))), 25)
    yield Making("25i of 50 fps, blended", made, montage.cuts, 1 / 25)
    dark = (picture // 7 for picture in montage.pictures)
    yield Making("in the dark", write(folder / "dark.mp4", dark, montage.fps), montage.cuts, 0.0)


def slides(montage: Montage, folder: Path) -> Iterator[Making]:
    """Slides of three lengths, by turns."""
    pictures = [shot[0] for shot in montage.shots]
    times = np.concatenate([[0], np.cumsum([(2, 1, 4)[k % 3] for k in range(len(pictures))])]).astype(int)
    cuts = times[1:-1].tolist()
    for name, codec in (("slides.gif", "gif"), ("slides.mkv", "libx264")):
        made = write(folder / name, pictures, 1, codec=codec, times=times.tolist())
        yield Making(f"slides, stored once each, {made.suffix[1:]}", made, cuts, 0.0)
    each_second = [picture for picture, n in zip(pictures, np.diff(times), strict=True) for _ in range(n)]
    yield Making("slides, 1 fps", write(folder / "slides.mp4", each_second, 1), cuts, 0.0)


def without_cuts(montage: Montage, folder: Path) -> Iterator[Making]:
    shots = [shot[: 2 * LEAST_SHOT] for shot in montage.shots if len(shot) >= LEAST_SHOT]
    for n in (5, 10, 25):
        long = [shot for shot in shots if len(shot) > 2 * n]
        made = write(folder / f"dissolves{n}.mp4", dissolved(long, n), montage.fps)
        yield Making(f"dissolves of {n} pictures", made, [], 0.0)
    for n in (1, 2):
        yield Making(
            f"flashes of {n}", write(folder / f"flashes{n}.mp4", flashed(montage, n), montage.fps), montage.cuts, 0.0
        )
    swept = (picture for shot in shots for picture in sweep(shot[0], 6))
    cuts = [24 * k / float(montage.fps) for k in range(1, len(shots))]
    yield Making("swept aside in 0.2 s inside shots", write(folder / "swept.mp4", swept, montage.fps), cuts, 0.0)


def blended(path: Path, fps: int) -> Iterator[Picture]:
    """The pictures of a video at another rate, as FFmpeg blends them."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        graph = av.filter.Graph()
        nodes = [
            graph.add_buffer(template=stream),
            graph.add("scale", f"{SIZE[0]}:{SIZE[1]}"),
            graph.add("minterpolate", f"fps={fps}:mi_mode=blend"),
            graph.add("buffersink"),
        ]
        for one, other in pairwise(nodes):
            one.link_to(other)
        graph.configure()
        for picture in (*container.decode(stream), None):
            graph.push(picture)
            while True:
                try:
                    yield graph.pull().to_ndarray(format="rgb24")
                except (av.error.BlockingIOError, av.error.EOFError):
                    break


def averaged(montage: Montage, fps: int) -> Iterator[Picture]:
    """Each picture is the mean of what was shown while it is, as a camera sees a screen."""
    step = montage.fps / fps
    for k in range(int(len(montage.pictures) / step)):
        begin, end = k * step, (k + 1) * step
        shown = range(int(begin), min(int(np.ceil(end)), len(montage.pictures)))
        weights = [float(min(end, number + 1) - max(begin, number)) for number in shown]
        yield np.average([montage.pictures[number] for number in shown], axis=0, weights=weights).astype(np.uint8)


def woven(fields: Sequence[Picture]) -> Iterator[Picture]:
    """The upper field of one picture and the lower one of the next."""
    for upper, lower in zip(fields[::2], fields[1::2], strict=False):
        both = upper.copy()
        both[1::2] = lower[1::2]
        yield both


def dissolved(shots: Sequence[Sequence[Picture]], n: int) -> Iterator[Picture]:
    """The shots one after another, `n` pictures between two of them mixed."""
    for number, shot in enumerate(shots):
        begin = n if number else 0
        end = len(shot) - n if number + 1 < len(shots) else len(shot)
        yield from shot[begin:end]
        if number + 1 < len(shots):
            for k, (old, new) in enumerate(zip(shot[end:], shots[number + 1][:n], strict=True)):
                share = (k + 1) / (n + 1)
                yield cv2.addWeighted(old, 1 - share, new, share, 0)


def flashed(montage: Montage, n: int) -> Iterator[Picture]:
    """`n` white pictures in the middle of each shot of at least a second."""
    for shot in montage.shots:
        middle = len(shot) // 2
        for number, picture in enumerate(shot):
            white = len(shot) >= LEAST_SHOT and middle <= number < middle + n
            yield np.full_like(picture, 250) if white else picture


def sweep(picture: Picture, n: int) -> Iterator[Picture]:
    """A still picture from whose left half the camera turns to its right half within `n` pictures, blurred by that."""
    rows, columns = picture.shape[:2]
    wide = cv2.resize(picture, (2 * columns, rows), interpolation=cv2.INTER_CUBIC)
    way = columns // n
    blurred = cv2.blur(wide, (way, 1))
    for k in range(24):
        moved = min(max(k - 9, 0), n)
        source = blurred if 0 < moved < n else wide
        yield np.ascontiguousarray(source[:, way * moved : way * moved + columns])


def write(
    path: Path,
    pictures: Iterable[Picture],
    fps: Fraction | int,
    codec: str = "libx264",
    times: Sequence[int] | None = None,
) -> Path:
    """Encode pictures at so many a second, or from these whole seconds on; the last time is the end."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(fps), width=SIZE[0], height=SIZE[1])
        stream.pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
        if codec != "gif":
            stream.options = {"preset": "ultrafast", "crf": "20"}
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 100)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(
                format=stream.pix_fmt
            )
            if times is not None:
                frame.pts, frame.time_base = 100 * times[number], Fraction(1, 100)
                frame.duration = 100 * (times[number + 1] - times[number])
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def row(making: Making, peer: str | None) -> str:
    try:
        found = [list(analyze(making.path).cuts)]
    except VideoError as error:
        return f"| {making.name} | {len(making.cuts)} | {error} | | |"
    if peer is not None:
        found += cuts_of_peer(making.path, peer)
    return f"| {making.name} | {len(making.cuts)} | " + " | ".join(told(times, making) for times in found) + " |"


def cuts_of_peer(video: Path, peer: str) -> list[list[float]]:
    run = subprocess.run([peer, "-c", PEER, str(video), *DETECTORS], capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"scenedetect failed on {video.name}: {run.stderr.strip().splitlines()[-1:]}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def told(times: Sequence[float], making: Making) -> str:
    """How many were found; and the seconds of what is missed or false."""
    left, missed = list(times), []
    for cut in making.cuts:
        nearest = min(left, key=lambda time: abs(time - cut), default=None)
        if nearest is None or abs(nearest - cut) > making.picture + ROUNDING:
            missed.append(cut)
        else:
            left.remove(nearest)
    text = f"{len(making.cuts) - len(missed)} found, {len(left)} false"
    return text + (f" ({', '.join(f'{time:.2f}' for time in left[:4])})" if left else "")


if __name__ == "__main__":
    main()
