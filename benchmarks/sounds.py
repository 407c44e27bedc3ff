"""Do sounds fall where the picture strikes? AV-Align and the distance of onsets to their events, with chance.

    python benchmarks/sounds.py VIDEO ... [--sounds 0.5] [--music FOLDER] [--pictures FOLDER]

For each VIDEO the sounds are made alone, with what is found in the flow (contacts, visual beats, stops), then also at
cuts and fades, then scenes, then sweeps. `AV-Align` is `cmt.metrics.synchrony.av_align` of the onsets of the sound
with the peaks of the flow, at the video's own rate and at 4 pictures a second; behind it stands its chance by circular
shift. `error` is the median distance, in milliseconds, of each event that begins with a stroke to the nearest onset,
`within` the share of them that have one within a picture. `--music` takes files NAME.wav, where NAME is a video's name
without suffix, and adds music alone and both. `--pictures` writes a spectrogram of each.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.film.sound_file import read_sound_file
from cmt.metrics.audio import audio_onsets
from cmt.metrics.synchrony import Synchrony, av_align, flow_peaks
from cmt.sounds.bus import Bus
from cmt.sounds.choosing import sound_events
from cmt.sounds.event import KINDS, SoundEvent
from midi_io.beside import put_beside, track_of
from video_rhythm import VideoRhythm, analyze

RATE = 44_100
SLOW = 4.0
FLOW = ("contact", "visual beat", "stillness")
STAGES = {
    "flow": FLOW,
    "+ cuts": (*FLOW, "cut", "fade"),
    "+ scenes": (*FLOW, "cut", "fade", "scene"),
    "+ sweeps": (*FLOW, "cut", "fade", "scene", "sweep"),
}
STRUCK = ("impact", "hit", "tick", "swish", "sub drop")
THRESHOLD = 0.1


class Row(NamedTuple):
    """What was measured of one sound."""

    what: str
    n_event: int
    own: Synchrony
    slow: Synchrony
    error: float
    within: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
    parser.add_argument("--sounds", type=float, default=0.5)
    parser.add_argument("--music", type=Path)
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    print("| video | sound | events | AV-Align | chance | at 4 a second | chance | error, ms | within |")
    print("|---|---|---|---|---|---|---|---|---|")
    for video in options.videos:
        rhythm = analyze(video)
        music = None if options.music is None else options.music / f"{video.stem}.wav"
        rows, track = measured(rhythm, options.sounds, music if music is not None and music.exists() else None)
        for row in rows:
            print(in_words(video.stem, row))
        if options.pictures is not None:
            draw(rhythm, options.sounds, track, options.pictures / f"sounds-{video.stem}.png")


def measured(rhythm: VideoRhythm, dial: float, music: Path | None = None) -> tuple[list[Row], NDArray[np.float32]]:
    """The rows of a video, and its sounds alone."""
    rows = []
    for what, causes in STAGES.items():
        events = sound_events(rhythm, dial, causes=causes)
        bus = Bus(events, rhythm.duration, RATE, dial=dial)
        track = track_of(bus, bus.n_sample)
        rows.append(row_of(what, rhythm, events, track))
    if music is not None:
        played = read_sound_file(music, RATE, rhythm.duration + 1)[: len(track)]
        rows.append(row_of("music", rhythm, events, played))
        both = played.copy()
        put_beside(both, Bus(events, rhythm.duration, RATE, dial=dial), RATE)
        rows.append(row_of("both", rhythm, events, both))
    return rows, track


def row_of(what: str, rhythm: VideoRhythm, events: tuple[SoundEvent, ...], audio: NDArray[np.float32]) -> Row:
    onsets = audio_onsets(audio, RATE)
    flow, duration = rhythm.flow, rhythm.duration
    diagonal = float(np.hypot(rhythm.width, rhythm.height))
    own = flow_peaks(np.append(flow.times, flow.end), flow.speed, THRESHOLD * rhythm.fps / diagonal)
    edges = np.arange(0.0, duration, 1 / SLOW)
    slow = flow_peaks(edges, flow.mean_speed(edges), THRESHOLD * SLOW / diagonal)
    times = np.array([event.time for event in events if event.kind in STRUCK])
    far = np.array([np.abs(onsets - time).min() if len(onsets) else np.inf for time in times])
    return Row(
        what,
        sum(not KINDS[event.kind].is_bed for event in events),
        av_align(own, onsets, duration, rhythm.fps),
        av_align(slow, onsets, duration, SLOW),
        1000 * float(np.median(far)) if len(far) else np.nan,
        float((far <= 1 / rhythm.fps).mean()) if len(far) else np.nan,
    )


def in_words(name: str, row: Row) -> str:
    numbers = [row.own.score, row.own.chance, row.slow.score, row.slow.chance]
    cells = ["" if np.isnan(number) else f"{number:.2f}" for number in numbers]
    error = "" if np.isnan(row.error) else f"{row.error:.0f}"
    within = "" if np.isnan(row.within) else f"{100 * row.within:.0f} %"
    return f"| {' | '.join([name, row.what, str(row.n_event), *cells, error, within])} |"


def draw(rhythm: VideoRhythm, dial: float, track: NDArray[np.float32], path: Path) -> None:
    """The spectrogram of the sounds, with the events above it and the speed of the motion below."""
    from matplotlib.figure import Figure

    events = sound_events(rhythm, dial)
    figure = Figure(figsize=(9, 3.6), dpi=80, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    above.specgram(track.mean(axis=1) + 1e-7, NFFT=1024, Fs=RATE, noverlap=0, vmin=-115, vmax=-50, cmap="magma")
    above.set_yscale("symlog", linthresh=200)
    above.set_ylim(30, 16_000)
    above.set_ylabel("Hz")
    for event in events:
        if not event.is_bed:
            above.axvline(event.time, color="white", linewidth=0.5, alpha=0.6)
            below.axvline(event.time, color="crimson", linewidth=0.8)
    below.plot(rhythm.flow.times, rhythm.flow.speed, color="black", linewidth=0.8)
    below.set_xlim(0, rhythm.duration)
    below.set_ylim(0, float(np.quantile(rhythm.flow.speed, 0.98)) * 1.3)
    below.set_xlabel("seconds")
    below.set_ylabel("speed")
    figure.savefig(path)


if __name__ == "__main__":
    main()
