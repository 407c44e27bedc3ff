"""Do sounds fall where the picture strikes? AV-Align and the distance of onsets to their events, with chance.

    python benchmarks/sounds.py VIDEO ... [--sounds 0.5] [--music FOLDER] [--pictures FOLDER] [--public]

For each VIDEO the sounds are made alone, with what is found in the flow (contacts, visual beats, stops), then also at
cuts and fades, then scenes, then sweeps, then movement. `AV-Align` is `cmt.metrics.synchrony.av_align` of the onsets of
the sound with the peaks of the flow, at the video's own rate and at 4 pictures a second; behind it stands its chance by
circular shift. `onsets` and `peaks` are those a second at the video's rate. `error` is the median distance, in
milliseconds, of each event that begins with a stroke to the nearest onset, `within` the share of them that have one
within a picture. `--music` takes files NAME.wav, where NAME is a video's name without suffix, and adds music alone and
both. `--pictures` writes a spectrogram of each. `--public` adds AV-Align as its first public release has it
(`av_align.py`), and what onsets of pure chance reach there, `PUBLIC_RANDOM` a second. The last lines are means over the
videos in which a number is defined.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import av_align as public
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
    "+ movement": (*FLOW, "cut", "fade", "scene", "sweep", "movement"),
}
Peaks = tuple[NDArray[np.float64], float]
"""The picture's peaks as the public release has them, and the pictures a second."""
PUBLIC_RANDOM = 8.0
STRUCK = ("impact", "hit", "tick", "swish", "sub drop")
THRESHOLD = 0.1


class Row(NamedTuple):
    """What was measured of one sound."""

    what: str
    n_event: int
    onsets: float
    peaks: float
    own: Synchrony
    slow: Synchrony
    error: float
    within: float
    public: public.Aligned = public.Aligned(np.nan, np.nan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
    parser.add_argument("--sounds", type=float, default=0.5)
    parser.add_argument("--music", type=Path)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--public", action="store_true")
    options = parser.parse_args()
    print(HEAD)
    all_rows = []
    for video in options.videos:
        rhythm = analyze(video)
        music = None if options.music is None else options.music / f"{video.stem}.wav"
        raw = public.picture_peaks(video) if options.public else None
        rows, track = measured(rhythm, options.sounds, music if music is not None and music.exists() else None, raw)
        all_rows += rows
        for row in rows:
            print(in_words(video.stem, row))
        if options.pictures is not None:
            draw(rhythm, options.sounds, track, options.pictures / f"sounds-{video.stem}.png")
    for row in means(all_rows):
        print(in_words("mean", row))


HEAD = """\
| video | sound | events | onsets | peaks | AV-Align | chance | at 4 | chance | error | within | public | chance |
|---|---|---|---|---|---|---|---|---|---|---|---|---|"""


def measured(
    rhythm: VideoRhythm, dial: float, music: Path | None = None, raw: Peaks | None = None
) -> tuple[list[Row], NDArray[np.float32]]:
    """The rows of a video, and its sounds alone."""
    rows = []
    for what, causes in STAGES.items():
        events = sound_events(rhythm, dial, causes=causes)
        bus = Bus(events, rhythm.duration, RATE, dial=dial)
        track = np.zeros((bus.n_sample, 2), np.float32)
        track_of(bus, track)
        rows.append(row_of(what, rhythm, events, track, raw))
    if music is not None:
        played = read_sound_file(music, RATE, rhythm.duration + 1)[: len(track)]
        rows.append(row_of("music", rhythm, events, played, raw))
        both = played.copy()
        put_beside(both, Bus(events, rhythm.duration, RATE, dial=dial), RATE)
        rows.append(row_of("both", rhythm, events, both, raw))
    if raw is not None:
        rng = np.random.default_rng(0)
        onsets = np.sort(rng.uniform(0, rhythm.duration, round(PUBLIC_RANDOM * rhythm.duration)))
        rows.append(row_of("chance alone", rhythm, (), None, raw, onsets))
    return rows, track


def row_of(
    what: str,
    rhythm: VideoRhythm,
    events: tuple[SoundEvent, ...],
    audio: NDArray[np.float32] | None,
    raw: Peaks | None = None,
    given: NDArray[np.float64] | None = None,
) -> Row:
    """What was measured of audio, or of onsets that are `given`."""
    onsets = given if audio is None else audio_onsets(audio, RATE)
    assert onsets is not None
    flow, duration = rhythm.flow, rhythm.duration
    diagonal = float(np.hypot(rhythm.width, rhythm.height))
    own = flow_peaks(np.append(flow.times, flow.end), flow.speed, THRESHOLD * rhythm.fps / diagonal)
    edges = np.arange(0.0, duration, 1 / SLOW)
    slow = flow_peaks(edges, flow.mean_speed(edges), THRESHOLD * SLOW / diagonal)
    struck = [event.time for event in events if event.kind in STRUCK]
    times = np.array([*struck, *(event.time + stroke.at for event in events for stroke in event.strokes)])
    far = np.array([np.abs(onsets - time).min() if len(onsets) else np.inf for time in times])
    row = Row(
        what,
        sum(not KINDS[event.kind].is_bed for event in events) + sum(len(event.strokes) for event in events),
        len(onsets) / duration,
        len(own) / duration,
        av_align(own, onsets, duration, rhythm.fps),
        av_align(slow, onsets, duration, SLOW),
        1000 * float(np.median(far)) if len(far) else np.nan,
        float((far <= 1 / rhythm.fps).mean()) if len(far) else np.nan,
    )
    if raw is None:
        return row
    heard = onsets if audio is None else public.sound_peaks(audio, RATE)
    return row._replace(public=public.aligned(raw[0], heard, duration, raw[1]))


def means(rows: list[Row]) -> list[Row]:
    """A row of means for each kind of sound, over the videos in which a number is defined."""

    def mean(values: list[float]) -> float:
        defined = [value for value in values if not np.isnan(value)]
        return float(np.mean(defined)) if defined else np.nan

    made = []
    for what in dict.fromkeys(row.what for row in rows):
        its = [row for row in rows if row.what == what]
        own, slow = (
            Synchrony.undefined("")._replace(
                score=mean([part(row).score for row in its]), chance=mean([part(row).chance for row in its])
            )
            for part in (lambda row: row.own, lambda row: row.slow)
        )
        aligned = public.Aligned(mean([row.public.score for row in its]), mean([row.public.chance for row in its]))
        others = [mean([row[k] for row in its]) for k in (2, 3, 6, 7)]
        made.append(
            Row(f"{what} ({len(its)})", sum(row.n_event for row in its), *others[:2], own, slow, *others[2:], aligned)
        )
    return made


def in_words(name: str, row: Row) -> str:
    numbers = [row.onsets, row.peaks, row.own.score, row.own.chance, row.slow.score, row.slow.chance]
    cells = ["" if np.isnan(number) else f"{number:.2f}" for number in numbers]
    error = "" if np.isnan(row.error) else f"{row.error:.0f}"
    within = "" if np.isnan(row.within) else f"{100 * row.within:.0f} %"
    last = ["" if np.isnan(number) else f"{number:.2f}" for number in row.public]
    return f"| {' | '.join([name, row.what, str(row.n_event), *cells, error, within, *last])} |"


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
        for stroke in event.strokes:
            below.axvline(event.time + stroke.at, color="steelblue", linewidth=0.5)
    below.plot(rhythm.flow.times, rhythm.flow.speed, color="black", linewidth=0.8)
    below.set_xlim(0, rhythm.duration)
    below.set_ylim(0, float(np.quantile(rhythm.flow.speed, 0.98)) * 1.3)
    below.set_xlabel("seconds")
    below.set_ylabel("speed")
    figure.savefig(path)


if __name__ == "__main__":
    main()
