"""What the eye sees in real clips: tempo, cuts and fades, beside PySceneDetect's cuts where it is installed.

    python benchmarks/eye_table.py VIDEO [VIDEO ...] [--output docs/eye.md] [--scenedetect PYTHON]

Writes a page with a row for each clip. A clip with a file `<clip>.gt.json` beside it, which has the true
`cut_frames` and `fps`, is scored: a cut counts if it is at the very frame. What stands below `<!-- by hand -->` in the
page is kept. `--scenedetect` names an interpreter in
which scenedetect can be imported; its two detectors run with their own settings. It is needed by nothing but this.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from video_rhythm import VideoError, VideoRhythm, analyze  # noqa: E402

BY_HAND = "<!-- by hand -->"
DETECTORS = ("ContentDetector", "AdaptiveDetector")
PEER = """
import json, sys
import scenedetect
for name in sys.argv[2:]:
    scenes = scenedetect.detect(sys.argv[1], getattr(scenedetect, name)())
    print(json.dumps([float(begin.get_seconds()) for begin, _ in scenes[1:]]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, help="Markdown file. Left out, the page is printed.")
    parser.add_argument("--scenedetect", metavar="PYTHON", help="interpreter that has scenedetect")
    arguments = parser.parse_args()
    page = write_page(arguments.videos, arguments.scenedetect)
    if arguments.output is None:
        print(page, end="")
    else:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(page + written_by_hand(arguments.output), encoding="utf-8")


def written_by_hand(page: Path) -> str:
    """What somebody added to the page, with its marker."""
    _, marker, text = (page.read_text(encoding="utf-8") if page.exists() else "").partition(BY_HAND)
    return "\n" + marker + text if marker else ""


def write_page(videos: list[Path], peer: str | None) -> str:
    rows, cuts = [], []
    for video in videos:
        print(video.name, file=sys.stderr)
        begin = time.perf_counter()
        try:
            rhythm = analyze(video)
        except VideoError as error:
            rows.append(f"| {video.name} | {error} | | | | | | |")
            continue
        rows.append(row(video, rhythm, time.perf_counter() - begin))
        if peer is not None:
            cuts.append(row_of_cuts(video, rhythm, peer))
    parts = [HEAD, *rows]
    if cuts:
        parts += [HEAD_OF_CUTS, *cuts]
    return "\n".join(parts) + "\n"


def row(video: Path, rhythm: VideoRhythm, seconds: float) -> str:
    tempo = "none" if rhythm.tempo is None else f"{rhythm.tempo:.1f}"
    fades = ", ".join(f"{fade.kind.value} {fade.begin:.1f}-{fade.end:.1f}" for fade in rhythm.fades)
    return (
        f"| {video.name} | {rhythm.duration:.1f} | {tempo} | {rhythm.tempo_confidence:.2f} | "
        f"{len(rhythm.visual_beats)} | {len(rhythm.cuts)} | {fades or 'none'} | {seconds:.1f} |"
    )


def row_of_cuts(video: Path, rhythm: VideoRhythm, peer: str) -> str:
    run = subprocess.run(
        [peer, "-c", PEER, str(video), *DETECTORS], capture_output=True, text=True, check=False, timeout=600
    )
    found = [list(rhythm.cuts), *map(json.loads, run.stdout.splitlines())]
    if run.returncode or len(found) != 1 + len(DETECTORS):
        sys.exit(f"scenedetect failed on {video.name}: {run.stderr.strip().splitlines()[-1:]}")
    truth = true_cuts(video)
    return f"| {video.name} | " + " | ".join(told(times, truth) for times in found) + " |"


def true_cuts(video: Path) -> list[float] | None:
    answers = video.with_name(video.name + ".gt.json")
    if not answers.exists():
        return None
    known = json.loads(answers.read_text(encoding="utf-8"))
    return [frame / known["fps"] for frame in known["cut_frames"]]


def told(times: list[float], truth: list[float] | None) -> str:
    if truth is None:
        return ", ".join(f"{time:.2f}" for time in times) or "none"
    hits = sum(min((abs(time - planted) for time in times), default=1.0) < 0.005 for planted in truth)
    return f"{hits} of {len(truth)}, {len(times) - hits} false"


HEAD = """# What the eye sees in real clips

Written by `python benchmarks/eye_table.py VIDEO ... --output docs/eye.md --scenedetect PYTHON`. None of the clips is
part of the project. Times are in seconds. The last column is what the analysis took on two shared cores; what
that is beside a bare decode is printed by `python benchmarks/eye.py VIDEO ...`.

| clip | length | visual tempo (BPM) | confidence | visual beats | cuts | fades and dissolves | took |
| --- | --- | --- | --- | --- | --- | --- | --- |"""
HEAD_OF_CUTS = """
## Hard cuts, beside PySceneDetect's detectors with their own settings

Where the true cuts are known they are counted, to the frame; elsewhere every reported cut is listed.

| clip | ours | PySceneDetect, content | PySceneDetect, adaptive |
| --- | --- | --- | --- |"""


if __name__ == "__main__":
    main()
