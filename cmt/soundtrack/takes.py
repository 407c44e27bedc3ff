"""Several takes of a piece: which are music, and which of those fits best.

A take is rejected where it is no music (`cmt.metrics.degenerate`: one bar looped, silence, ...), leaves its key, or is
silent where nobody asked for that (`cmt.soundtrack.gate`); another is written in its place. Of the others those that
obey come first: whose *match*, how much of what was asked they do, in the bars that were left to the model too, is the
best one's or nearly so. Among the equally obedient the mean of shares decides: the match; the *likeness*, how many
music metrics lie where the middle 90 % of real songs do; the *realism*, how much of what the model writes is less like
a real song, as a judge hears it that learnt to tell the two apart (`cmt.metrics.discriminator`); the *genre*, how
likely the one asked is beside the likeliest (`cmt.metrics.genre`); and the *mood*, how near it is to the one asked,
scene by scene. Genre and mood of notes are heard badly, so they weigh a half and a quarter of each of the others: they
order takes that are much alike in these, and never reject one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cmt.evaluation.reference import read_shipped_reference, shipped_classifier
from cmt.metrics.catalogue import measure_by_names
from cmt.metrics.control import DENSITY_UNIT
from cmt.metrics.degenerate import judge
from cmt.metrics.discriminator import shipped_discriminator
from cmt.music.key import Key
from cmt.music.profile import profile_of_song
from cmt.music.words import Genre, Mode
from cmt.planning.mood_asked import Stretch, likeness_of_moods, moods_heard
from cmt.report.parts import Replaced
from midi_io.song import POSITIONS_PER_BAR, Instrument, Note, Song

SCALES: Mapping[Mode, frozenset[int]] = {
    Mode.MAJOR: frozenset({0, 2, 4, 5, 7, 9, 11}),
    Mode.MINOR: frozenset({0, 2, 3, 5, 7, 8, 10, 11}),
}
"""The degrees, in semitones, that belong to a key; minor with the leading note of its dominant."""
KEY_SHARE = 0.75
"""A piece leaves its key if a smaller share of its sounding time than this is on the key's own degrees. Of 500 excerpts
of real songs, of 4 to 32 bars, fewer than one in a hundred do."""
STRETCH_SHARE = 0.5
"""A piece also leaves its key if the share over `STRETCH_BARS` bars is smaller than this: seven of 500 real excerpts of
32 bars do, one of 500 of 16 bars or fewer."""
STRETCH_BARS = 8
LIKENESS = (
    "pitch_class_entropy_1",
    "pitch_class_entropy_4",
    "adjacent_grooving_similarity",
    "scale_consistency",
    "polyphony",
    "different_bars",
    "drum_consistency",
)
"""The metrics that are compared with real songs: those that nobody orders and that are defined for a few bars."""
GENRE_WEIGHT, MOOD_WEIGHT = 0.5, 0.25
"""The weights of genre and mood in a take's score, beside 1 of match, likeness and realism each."""
HEARD, HARDLY_HEARD = 1.0, 0.5
"""A genre is heard if none is likelier, and hardly if another one is twice as likely."""
EQUALLY_OBEDIENT, LEEWAY = 0.02, 0.3
"""Takes obey equally if the match of none is lower than the best one's by more than the first, where what is asked is
to be done to the letter (a control of 1); without any control by so much more."""
UNLIKE: Mapping[str, tuple[str, str]] = {
    "pitch_class_entropy_1": ("few different notes in a bar", "very many different notes in a bar"),
    "pitch_class_entropy_4": ("few different notes in four bars", "very many different notes in four bars"),
    "adjacent_grooving_similarity": ("a rhythm that changes from bar to bar", "a rhythm that hardly changes"),
    "scale_consistency": ("many notes outside one scale", "hardly a note outside one scale"),
    "polyphony": ("few notes at a time", "very many notes at a time"),
    "different_bars": ("bars that are much the same", "bars that hardly come back"),
    "drum_consistency": ("drums that change from bar to bar", "drums that hardly change"),
}
"""What it is called, in words, if a metric of `LIKENESS` lies below real songs, and above them."""
MOST_NAMED = 2
"""So many of these are told of a take."""
NEAR, AWAY = 0.75, 0.5
"""A mood of this likeness or more is near the one asked, which is a distance of half its range; below the second it is
far from it."""
BYTES_PER_BAR = 40_000
"""A take holds this much memory for each bar, as written and as performed: 24,000 were measured at 64 notes a bar."""


@dataclass(frozen=True)
class Judgement:
    """The verdict on a take."""

    seed: int
    reasons: tuple[str, ...]
    """The reasons why the take is rejected; empty for a sound one."""
    match: float | None
    """The share, 0..1, of what was asked that the take does; None where nothing was asked."""
    likeness: float | None
    """The share, 0..1, of its metrics that lie where real songs' do; None where none is defined."""
    outside: tuple[str, ...]
    """The metrics that do not lie where real songs' do."""
    mood: float | None = None
    """How near its mood is to the one asked, 0..1; None where none was."""
    unlike: tuple[str, ...] = ()
    """The same as `outside` in words: what real songs are not like."""
    replaced: tuple[Replaced, ...] = ()
    """The takes in whose place this one was written, the first one first."""
    realism: float | None = None
    """The share of what the model writes, 0..1, that is less like a real song; None where there is no note."""
    genre: float | None = None
    """How likely the genre asked is beside the likeliest one, 0..1; None where none was asked, or there is no note."""

    @property
    def score(self) -> float:
        """0..1, the mean of match, likeness, realism, genre and mood, by their weights."""
        of_weight_one = [(share, 1.0) for share in (self.match, self.likeness, self.realism)]
        shares = (*of_weight_one, (self.genre, GENRE_WEIGHT), (self.mood, MOOD_WEIGHT))
        known = [(share, weight) for share, weight in shares if share is not None]
        return sum(share * weight for share, weight in known) / sum(w for _, w in known) if known else 0.0

    @property
    def in_words(self) -> str:
        """What speaks for the take and against it.

        ``keeps 94% of what was asked; like real songs; nearer to real songs than 80% of pieces; like its genre; mood
        near``.
        """
        lines = [f"rejected: {', '.join(self.reasons)}"] if self.reasons else []
        if self.match is not None:
            lines.append(f"keeps {100 * self.match:.0f}% of what was asked")
        if self.likeness is not None:
            is_like = self.likeness >= 0.5
            named = ", ".join(self.unlike[:MOST_NAMED])
            more = f" and {len(self.unlike) - MOST_NAMED} more" if len(self.unlike) > MOST_NAMED else ""
            but = f"{', but for ' if is_like else ': '}{named}{more}" if named else ""
            lines.append(f"{'like' if is_like else 'unlike'} real songs{but}")
        if self.realism is not None:
            lines.append(f"nearer to real songs than {100 * self.realism:.0f}% of pieces")
        if self.genre is not None:
            unlike = "more like another genre" if self.genre < HARDLY_HEARD else "a little like its genre"
            lines.append("like its genre" if self.genre >= HEARD else unlike)
        if self.mood is not None:
            lines.append("mood near" if self.mood >= NEAR else "mood far off" if self.mood < AWAY else "mood not far")
        return "; ".join(lines)


def in_place_of(first: Judgement, second: Judgement) -> Judgement:
    """The better of two judgements, the second that of a take written because the first was rejected.

    It remembers all that were rejected in its place.
    """
    best, other = ranked((first, second))
    return replace(best, replaced=(*first.replaced, Replaced(other.seed, other.reasons)))


def judge_take(
    song: Song,
    key: Key,
    density: Sequence[int | None],
    accents: Collection[tuple[int, int]],
    genre: Genre | None,
    seed: int,
    moods: Sequence[Stretch] = (),
    faults: Sequence[str] = (),
) -> Judgement:
    """Judge one take by all that was asked of it, ordered or not.

    For `density` and `accents` see `match`; `moods` is that of each stretch, `faults` what `cmt.soundtrack.gate` found.
    """
    reasons = (*judge(song).reasons, *leaving(song, key), *faults)
    inside, outside, unlike = _against_real_songs(song, genre)
    n_measured = inside + len(outside)
    discriminator = shipped_discriminator()
    log_odds = discriminator.log_odds(song)
    return Judgement(
        seed,
        reasons,
        match(song, density, accents),
        inside / n_measured if n_measured else None,
        outside,
        likeness_of_moods(moods, moods_heard(song, moods)),
        unlike,
        realism=None if log_odds is None else discriminator.rank(log_odds),
        genre=None if genre is None else _genre_heard(song, genre),
    )


def _genre_heard(song: Song, genre: Genre) -> float | None:
    """How likely a genre is beside the likeliest one, 0..1; None without notes."""
    guess = shipped_classifier()[0].classify(song)
    return None if guess is None else guess.probabilities[genre] / max(guess.probabilities)


def ranked(judgements: Iterable[Judgement], control: float = 1.0) -> list[Judgement]:
    """The best first, see `ranking`."""
    judgements = list(judgements)
    return sorted(judgements, key=ranking(judgements, control))


def ranking(
    judgements: Iterable[Judgement], control: float = 1.0
) -> Callable[[Judgement], tuple[int, bool, float, int]]:
    """What these takes are sorted by: few reasons against them, and sound ones have none; obedience; score; seed.

    Takes obey whose match is less than the best sound one's by `EQUALLY_OBEDIENT` at most, and by the more the weaker
    the control, 0..1, is: the part of `LEEWAY` that is missing to 1.
    """
    most = EQUALLY_OBEDIENT + LEEWAY * (1 - control)
    best = max((one.match for one in judgements if not one.reasons and one.match is not None), default=0.0)

    def rank_of(judgement: Judgement) -> tuple[int, bool, float, int]:
        disobeys = judgement.match is not None and judgement.match < best - most
        return len(judgement.reasons), disobeys, -judgement.score, judgement.seed

    return rank_of


def match(song: Song, density: Sequence[int | None], accents: Collection[tuple[int, int]]) -> float | None:
    """How much of what was asked a song does, 0..1, the mean of two shares; None where nothing was.

    Parameters
    ----------
    density
        The densities (n_bar,) that were asked, or None. The share is 1 - the mean distance in units of 10.9 simu-notes
        a bar, which is the error of the paper's table 4.
    accents
        (bar, position of the bar) at which a note was asked to start. The share is that of those where one does.
    """
    obtained = profile_of_song(song)
    shares = []
    distances = [
        abs(wanted - found) for wanted, found in zip(density, obtained.density, strict=True) if wanted is not None
    ]
    if distances:
        shares.append(max(0.0, 1.0 - sum(distances) / len(distances) / DENSITY_UNIT))
    if accents:
        shares.append(len(set(accents) & {(note.bar, note.position) for note in obtained.simu_notes}) / len(accents))
    return sum(shares) / len(shares) if shares else None


def leaving(song: Song, key: Key) -> tuple[str, ...]:
    """The reason for which a song leaves a key, if it does."""
    pitched = [note for note in song.notes if note.instrument is not Instrument.DRUMS]
    share = _share_in(pitched, key)
    if share < KEY_SHARE:
        return (f"leaves its key: {share:.0%} of the time in {key}",)
    for bar in range(0, max(1, song.n_bar - STRETCH_BARS + 1), STRETCH_BARS // 2):
        begin, end = bar * POSITIONS_PER_BAR, (bar + STRETCH_BARS) * POSITIONS_PER_BAR
        share = _share_in([note for note in pitched if begin <= note.position < end], key)
        if share < STRETCH_SHARE:
            return (f"leaves its key: {share:.0%} of the time in {key} in bars {bar + 1} to {bar + STRETCH_BARS}",)
    return ()


def _share_in(notes: Sequence[Note], key: Key) -> float:
    total = sum(note.duration for note in notes)
    inside = sum(note.duration for note in notes if (note.pitch - key.tonic) % 12 in SCALES[key.mode])
    return inside / total if total else 1.0


def _against_real_songs(song: Song, genre: Genre | None) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """The number of metrics that lie where real songs' do; of each other one a line, and what it is in words."""
    reference = read_shipped_reference(max(1, song.n_bar), genre.label if genre is not None else "all")
    measured = measure_by_names(song, LIKENESS)
    inside, outside, unlike = 0, [], []
    for name in LIKENESS:
        value = measured[name].value
        if name not in reference.distributions or not np.isfinite(value):
            continue
        low, high = reference.distributions[name].middle_90
        if low <= value <= high:
            inside += 1
        else:
            outside.append(f"{name.replace('_', ' ')} {value:.2f} (real songs {low:.2f} to {high:.2f})")
            unlike.append(UNLIKE[name][value > high])
    return inside, tuple(outside), tuple(unlike)
