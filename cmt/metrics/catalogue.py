"""All that `cmt evaluate` measures, with the definition that its page and `docs/metrics.md` print.

A definition here is short; the metric's own docstring and its module's conventions are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from cmt.metrics import music
from cmt.metrics.structure import MAX_FRAMES, structureness_at_scales
from cmt.metrics.validation import Measurement
from midi_io.song import Song


class Metric(NamedTuple):
    """What a number means."""

    name: str
    """As in the JSON and the CSV."""
    group: str
    """`music`, `control`, `synchrony`, `set` or `take`."""
    label: str
    unit: str
    """With its range."""
    good: str
    """Which values are good: `reference` (as real songs have), `low`, `high`."""
    definition: str
    source: str


WU_YANG = "Wu & Yang, ISMIR 2020"
MUSPY = "Dong et al., muspy, ISMIR 2020"
DI = "Di et al., ACM MM 2021"

_FITNESS = (
    "Largest fitness of any segment of {} in the fitness scape plot of the song's self-similarity. A segment's fitness "
    "is the harmonic mean of how well it explains its repetitions (their similarity beyond its own, per frame) and of "
    "the share of the song that they cover beyond itself. Frames are beats, each with the time for which the 12 pitch "
    "classes sound; similarity is the cosine averaged over four beats, the largest quarter kept and scaled to 0..1, "
    "the rest -2; repetitions run at the song's own speed. Of songs of more than 150 bars, the first 150. Not "
    "comparable with values from audio, nor with warped paths."
)

CATALOGUE = (
    Metric(
        "pitch_class_entropy_1",
        "music",
        "pitch-class entropy, 1 bar",
        "bits, 0 to 3.585",
        "reference",
        "Entropy of the 12 pitch classes of the notes that start in a bar, mean over the bars that have any; drums "
        "left out. Cannot exceed log2(12) = 3.585.",
        WU_YANG,
    ),
    Metric(
        "pitch_class_entropy_4",
        "music",
        "pitch-class entropy, 4 bars",
        "bits, 0 to 3.585",
        "reference",
        "The same over windows of four bars, each a bar after the last. A song shorter than four bars is one window.",
        WU_YANG,
    ),
    Metric(
        "pitch_entropy",
        "music",
        "pitch entropy, whole song",
        "bits, 0 to 7",
        "reference",
        "Entropy of the 128 pitches of all notes of the song; drums left out. Published pitch-class entropies above "
        "3.585 can only be something like this one.",
        MUSPY,
    ),
    Metric(
        "grooving_similarity",
        "music",
        "grooving similarity, all pairs",
        "0 to 1",
        "reference",
        "Two bars are alike by the share of the 16 positions on which both or neither have an onset of any track; mean "
        "over all pairs of bars. Rises with the fineness of the grid alone, so only values on 16 positions compare.",
        WU_YANG,
    ),
    Metric(
        "adjacent_grooving_similarity",
        "music",
        "grooving similarity, neighbours",
        "0 to 1",
        "reference",
        "The same over neighbouring bars: it sees their order, which all pairs do not.",
        MUSPY,
    ),
    Metric(
        "structureness_short",
        "music",
        "structureness, 3 to 8 s",
        "0 to 1",
        "reference",
        _FITNESS.format("3 to 8 s"),
        f"{WU_YANG}; Müller, Jiang & Grosche, IEEE TASLP 2013",
    ),
    Metric(
        "structureness_middle",
        "music",
        "structureness, 8 to 15 s",
        "0 to 1",
        "reference",
        _FITNESS.format("8 to 15 s"),
        f"{WU_YANG}; Müller, Jiang & Grosche, IEEE TASLP 2013",
    ),
    Metric(
        "structureness_long",
        "music",
        "structureness, over 15 s",
        "0 to 1",
        "reference",
        _FITNESS.format("15 s and more"),
        f"{WU_YANG}; Müller, Jiang & Grosche, IEEE TASLP 2013",
    ),
    Metric(
        "scale_consistency",
        "music",
        "scale consistency",
        "0 to 1",
        "reference",
        "Largest share of the notes that lie in one major scale (or its relative minor); drums left out. "
        "Notes drawn at random give 7/12 or a little more.",
        MUSPY,
    ),
    Metric(
        "polyphony",
        "music",
        "polyphony",
        "pitches, 1 or more",
        "reference",
        "Different pitches that sound at once, mean over the sixteenths on which at least one sounds; drums left out.",
        MUSPY,
    ),
    Metric(
        "density",
        "music",
        "density",
        "positions a bar, 0 to 16",
        "reference",
        "Positions of a bar on which at least one note of any track starts, mean over all bars.",
        f"{DI}, eq. 8",
    ),
    Metric(
        "empty_bars",
        "music",
        "empty bars",
        "share, 0 to 1",
        "reference",
        "Share of the bars in which nothing sounds: no note starts, none goes on.",
        f"{MUSPY}; Dong et al., MuseGAN, AAAI 2018",
    ),
    Metric(
        "different_bars",
        "music",
        "different bars",
        "share, 0 to 1",
        "reference",
        "Different bars (position, instrument and pitch of all their notes) over all bars. A loop nears 0.",
        "cmt",
    ),
    Metric(
        "drum_consistency",
        "music",
        "drum-pattern consistency",
        "0 to 1",
        "reference",
        "Strokes (key and position) that two neighbouring bars have in common over all their strokes, mean over "
        "neighbours that both have drums. muspy's metric of this name is 1 for every song on a grid of sixteenths.",
        "cmt",
    ),
    Metric(
        "density_error",
        "control",
        "density error",
        "share of 10.90 positions",
        "low",
        "Mean distance between the density asked of a bar and the density in the MIDI file, over the bars asked, "
        "divided by 10.90 simu-notes a bar (the constant of the paper's release).",
        f"{DI}, table 4",
    ),
    Metric(
        "density_rank_correlation",
        "control",
        "density rank correlation",
        "-1 to 1",
        "high",
        "Spearman's rank correlation of the densities asked and obtained, over the bars asked, four or more. Free of "
        "scale and bias.",
        "cmt",
    ),
    Metric(
        "strength_error",
        "control",
        "strength error",
        "share of 1.83 notes",
        "low",
        "Mean distance between the notes asked of a simu-note (bar, position, instrument) and those in the MIDI file, "
        "divided by 1.83 notes a simu-note (the constant of the paper's release).",
        f"{DI}, table 4",
    ),
    Metric(
        "time_error",
        "control",
        "time error",
        "share of the length",
        "low",
        "Distance between the end of the music and the end of the video, divided by the video's length.",
        f"{DI}, table 4",
    ),
    Metric("length_error", "control", "length error", "s", "low", "The same in seconds.", "cmt"),
    Metric(
        "tempo_error",
        "control",
        "tempo error",
        "BPM",
        "low",
        "Distance between the tempo of the MIDI file and the tempo asked or reported.",
        "cmt",
    ),
    Metric(
        "instrument_precision",
        "control",
        "instrument precision",
        "0 to 1",
        "high",
        "Share of the instruments that play that were asked for.",
        "cmt",
    ),
    Metric(
        "instrument_recall",
        "control",
        "instrument recall",
        "0 to 1",
        "high",
        "Share of the instruments asked for that play.",
        "cmt",
    ),
    Metric(
        "key_score",
        "control",
        "key score",
        "0 to 1",
        "high",
        "MIREX's weighted score of the key that the notes speak for against the key reported: 1 the same, 0.5 a fifth "
        "above, 0.3 the relative, 0.2 the parallel key. The estimator (Krumhansl & Kessler's ratings, correlation) is "
        "another than the generator's. A key drawn at random scores 2/24 = 0.083 on average.",
        "MIREX; Krumhansl & Kessler 1982",
    ),
    Metric(
        "genre_hit",
        "control",
        "genre recognised",
        "0 or 1",
        "high",
        "Whether a linear classifier of the notes, learnt on LPD, hears the genre asked. Chance is 1/6 = 0.167; how "
        "often it is right on real songs that it has not learnt from stands beside it.",
        "cmt",
    ),
    Metric(
        "genre_probability",
        "control",
        "probability of the genre asked",
        "0 to 1",
        "high",
        "What the same classifier gives the genre asked. Chance is 1/6 = 0.167.",
        "cmt",
    ),
    Metric(
        "beat_coverage",
        "synchrony",
        "beat coverage (BCS)",
        "ratio, 0 or more",
        "high",
        "Seconds of the piece that hold a beat of the music (a quarter note on which a note starts) over the seconds "
        "that hold a visual beat. May exceed 1; above chance is score - chance.",
        "Zhu et al., ECCV 2022",
    ),
    Metric(
        "beat_hits",
        "synchrony",
        "beat hits (BHS)",
        "0 to 1",
        "high",
        "Share of the seconds with a visual beat that hold a beat of the music as well. From 60 BPM on every second "
        "has a beat, and the score is 1 for any picture.",
        "Zhu et al., ECCV 2022",
    ),
    Metric(
        "av_align",
        "synchrony",
        "AV-Align",
        "0 to 1",
        "high",
        "Peaks of the picture (local maxima of the mean optical flow, 0.1 pixels a frame or faster) and of the music "
        "(onsets of the rendered audio, by spectral flux) less than a frame apart are paired, each once: pairs over "
        "all peaks less pairs.",
        "Yariv et al., AAAI 2024",
    ),
    Metric(
        "cut_hits_frame",
        "synchrony",
        "cuts hit within one frame",
        "0 to 1",
        "high",
        "Share of the cuts with a note's onset within one frame of the video.",
        "cmt",
    ),
    Metric(
        "cut_hits_40ms",
        "synchrony",
        "cuts hit within 40 ms",
        "0 to 1",
        "high",
        "Share of the cuts with a note's onset within 40 ms.",
        "cmt",
    ),
    Metric(
        "cut_hits_80ms",
        "synchrony",
        "cuts hit within 80 ms",
        "0 to 1",
        "high",
        "Share of the cuts with a note's onset within 80 ms.",
        "cmt",
    ),
    Metric(
        "visual_beat_hits_40ms",
        "synchrony",
        "visual beats hit within 40 ms",
        "0 to 1",
        "high",
        "Share of the visual beats with a note's onset within 40 ms.",
        "cmt",
    ),
    Metric(
        "visual_beat_hits_80ms",
        "synchrony",
        "visual beats hit within 80 ms",
        "0 to 1",
        "high",
        "Share of the visual beats with a note's onset within 80 ms.",
        "cmt",
    ),
    Metric(
        "motion_correlation",
        "synchrony",
        "motion and density by bar",
        "-1 to 1",
        "high",
        "Spearman's rank correlation of the mean motion speed and the density of each bar; four bars or more. The best "
        "lag within four bars is told with it.",
        f"{DI}, section 3, tested",
    ),
    Metric(
        "overlapping_area",
        "set",
        "overlapping area (OA)",
        "0 to 1",
        "high",
        "Overlap of two distributions of distances in a feature: between songs of the reference, and from our songs to "
        "the reference's. 1 is alike. For nine features of the pitched notes, transitions by the highest note.",
        "Yang & Lerch, NCAA 2020",
    ),
    Metric(
        "divergence",
        "set",
        "divergence (KL)",
        "nats, 0 or more",
        "low",
        "KL(intra || inter) of the same two distributions. 0 is alike.",
        "Yang & Lerch, NCAA 2020",
    ),
    Metric(
        "frechet_distance",
        "set",
        "Frechet distance, 12 hand-made features",
        "0 or more",
        "low",
        "Between normal distributions fitted to twelve plain features of our songs and of the reference's, in standard "
        "deviations of the reference. Neither FMD nor FAD. Depends on the number of songs: beside it stands what as "
        "many songs of the reference score against the rest of it.",
        "cmt; Dowson & Landau 1982",
    ),
    Metric(
        "degenerate",
        "take",
        "degenerate take",
        "verdict",
        "low",
        "One bar looped (75 % of four or more sounding bars the same), silence (half of the bars empty, or more than "
        "four on end and a quarter of the piece), stuck notes (over eight bars), notes out of range (over 2 %), one "
        "note repeated (90 % of 16 or more).",
        "cmt",
    ),
)
"""All metrics, in the order in which they are printed."""
BY_NAME = {metric.name: metric for metric in CATALOGUE}
"""The metrics by their names."""
CHANCE_DEFINITION = (
    "Every score of coincidence rises with the number of notes. So the picture's events are shifted round the piece "
    "1,000 times by a random time and scored against the same music: the mean is the chance level, the 2.5th to "
    "97.5th percentile its band. Above chance is (score - chance) / (1 - chance): 0 is chance, 1 perfect; not given "
    "where chance alone reaches 0.9. p is the share of the shifts that score as high."
)
INTERVAL_DEFINITION = (
    "Means are over the pieces for which the metric is defined, n of them; in brackets the 95 % interval by 2,000 "
    "bootstrap samples of the pieces (200 for the distributions)."
)

_SONG_METRICS: dict[str, Callable[[Song], Measurement]] = {
    "pitch_class_entropy_1": lambda song: music.pitch_class_entropy(song, 1),
    "pitch_class_entropy_4": lambda song: music.pitch_class_entropy(song, 4),
    "pitch_entropy": music.pitch_entropy,
    "grooving_similarity": music.grooving_similarity,
    "adjacent_grooving_similarity": music.adjacent_grooving_similarity,
    "scale_consistency": music.scale_consistency,
    "polyphony": music.polyphony,
    "density": music.density,
    "empty_bars": music.empty_bars,
    "different_bars": music.different_bars,
    "drum_consistency": music.drum_consistency,
}


def measure_by_names(song: Song, names: Iterable[str]) -> dict[str, Measurement]:
    """Some of the music metrics of a song, but for structureness, by their names.

    Raises
    ------
    ValueError
        If `song` is no song.
    """
    return {name: _SONG_METRICS[name](song) for name in names}


def measure_song(song: Song) -> dict[str, Measurement]:
    """All music metrics of a song, by their names, in the catalogue's order.

    Raises
    ------
    ValueError
        If `song` is no song.
    """
    values = {name: metric(song) for name, metric in _SONG_METRICS.items()}
    values |= {f"structureness_{scale}": value for scale, value in structureness_at_scales(song).items()}
    return {metric.name: values[metric.name] for metric in CATALOGUE if metric.group == "music"}


def notes_on(song: Song) -> tuple[str, ...]:
    """What a reader of the values should know of the song."""
    n_beat = song.length / 4
    return (f"structureness is of the first {MAX_FRAMES} of {n_beat:.0f} beats",) if n_beat > MAX_FRAMES else ()
