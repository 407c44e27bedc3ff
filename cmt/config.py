"""Every default, once. The command line reads its own from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from cmt.film.ducking import DISTANCE
from cmt.music.words import CompoundWord
from midi_io.mastering import TARGET

CONTROLS = ("density", "strength", "timing")
"""The paper's three control attributes."""
PHRASE_BARS = 16
"""The phrase of `ModelConfig.metre` begins anew after this many bars."""
EPSILON = 1e-6
"""This is added to the attention's normaliser, as in the reference implementation."""
Dynamics: TypeAlias = Literal["absolute", "relative"]
"""Whether the picture's speeds are measured against those of many videos, or against each other."""

Optimizer: TypeAlias = Literal["muon", "adamw"]
"""The optimizer that changes the weights."""
ADAMW_RATE = 1e-3
"""The peak of the learning rate where AdamW changes all weights: the only one that Muon has been measured against."""

TEMPO_CHANGE = 8.0
"""A tempo map may leave the tempo by this many per cent."""


@dataclass(frozen=True)
class Limits:
    """A range of numbers that may be asked for: ``0.5 in CONTROL_LIMITS`` is true."""

    least: float
    most: float
    above: bool = False
    """Whether a number must lie above `least`, not on it."""

    def __contains__(self, number: float) -> bool:
        return (self.least < number if self.above else self.least <= number) and number <= self.most


FADE_LIMITS = Limits(0, 60)
"""The seconds that music may take to come or to go."""
SAMPLE_RATES = (44_100, 48_000, 96_000)
"""The samples a second that sound may have."""
TEMPO_LIMITS = Limits(20, 400)
"""The tempi, in BPM, that a user may ask for."""
LENGTH_LIMITS = Limits(1, 14_400)
"""The seconds that music without a video may last."""
SECONDS_PER_PICTURE = 4.0
"""Each picture of a slideshow is shown for about this many seconds, unless another time is asked for."""
SECONDS_ALONE = 20.0
"""A picture alone is shown for this many seconds, unless a length is asked for."""
PICTURE_LIMITS = Limits(0.5, 3600)
"""The seconds that a picture of a slideshow may be shown."""
TAKES = 3
"""So many takes are written, side by side, unless another number is asked for."""
MOST_SAMPLED = 100_000
"""The most songs of one `cmt sample`: all are planned before the first is written."""
BARS_LIMITS = Limits(1, 9_999)
"""The bars that music without a video may have."""
TEMPO_CHANGE_LIMITS = Limits(0, 30, above=True)
"""The tempo changes, in per cent, that may be asked for: beyond them the music would be another piece at each cut."""
SECTION_LIMITS = Limits(1, 9_999)
"""The bars that a section of a form may last."""
MOST_SECTIONS = 256
"""A form that is asked for has at most this many sections."""
CONTROL_LIMITS = Limits(0, 1)
"""The values of `GenerateConfig.control` that may be asked for."""
TEMPERATURE_LIMITS = Limits(0, 5, above=True)
"""The values of `GenerateConfig.temperature` that may be asked for."""
GUIDANCE_LIMITS = Limits(0, 10)
"""The values of `GenerateConfig.guidance` that may be asked for."""
SOUNDS_LIMITS = Limits(0, 1)
"""The values of `Output.sounds` that may be asked for."""
AUDIO_FORMAT = "wav"
"""The format of finished sound, unless another one is asked for."""
LOUDNESS = TARGET
"""The loudness of finished music in LUFS, unless another one is asked for."""
LOUDNESS_LIMITS = Limits(-40, -8)
"""The loudnesses, in LUFS, that may be asked for: above them a limiter would flatten the music."""

DUCK = DISTANCE
"""The dB that music lies under a voice, unless another distance is asked for."""
DUCK_LIMITS = Limits(0, 20)
"""The distances, in dB, that may be asked for."""


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the network. The defaults are the paper's (section 5.2).

    Raises
    ------
    ValueError
        If `left_out` names another attribute than those of CONTROLS, or `n_head` does not divide `d_model`.
    """

    d_model: int = 512
    """Width of the hidden states."""
    n_layer: int = 12
    n_head: int = 8
    d_feed_forward: int = 2048
    dropout: float = 0.1
    """Share of activations dropped in training, 0..1."""
    embedding_sizes: CompoundWord = CompoundWord(  # noqa: RUF009 - a tuple, so it cannot be changed
        type=32, position=64, density=64, strength=64, instrument=32, pitch=512, duration=128
    )
    """Embedding size of each attribute, in front of W_in (eq. 10 and 11)."""
    d_timing: int = 256
    """Embedding size of the beat timing, in front of its own projection."""
    pre_norm: bool = False
    """Whether each sub-layer's input is normalised; the paper's release normalises its output."""
    metre: bool = False
    """Whether two learnt vectors are added to each word: one for its sixteenth in the bar, one for its bar in a phrase
    of sixteen. Sinusoids of the absolute position alone tell them only indirectly."""
    chained_heads: bool = False
    """Whether a word's attributes are drawn one after another, each seeing those before it. The paper draws them
    independently once the type is known."""

    echo_bars: tuple[int, ...] = ()
    """Each word is told what followed at its place this many bars earlier (`cmt.network.echo`), not in the paper."""

    cues: bool = False
    """Whether each word is told the lead sheet's chords, form and players, its own part's last pitches, what sounds in
    the other parts, and what followed at its place in the bar that the sheet says is repeated (`cmt.music.cues`)."""

    plans: bool = False
    """Whether the network is a planner, which writes lead sheets, a word a bar, and no notes (`cmt.network.planner`).
    Of the sizes it has those of the layers; all that is about words of notes means nothing to it."""

    left_out: tuple[str, ...] = ()
    """The attributes among CONTROLS that the network is not told, as in the paper's table 1 and fig. 5."""

    def __post_init__(self) -> None:
        if not set(self.left_out) <= set(CONTROLS):
            raise ValueError(f"left_out {self.left_out}: not all of {', '.join(CONTROLS)}")
        if self.d_model % self.n_head:
            raise ValueError(f"d_model {self.d_model} is not a multiple of n_head {self.n_head}")


PRESETS = {
    "paper": ModelConfig(),
    "small": ModelConfig(
        d_model=192,
        n_layer=6,
        n_head=3,
        d_feed_forward=768,
        dropout=0.0,
        embedding_sizes=CompoundWord(
            type=16, position=32, density=32, strength=32, instrument=16, pitch=96, duration=32
        ),
        d_timing=64,
        pre_norm=True,
        metre=True,
        chained_heads=True,
        echo_bars=(1, 2, 4, 8, 16),
        cues=True,
    ),
    "tiny": ModelConfig(
        d_model=128,
        n_layer=4,
        n_head=2,
        d_feed_forward=512,
        dropout=0.0,
        embedding_sizes=CompoundWord(
            type=16, position=32, density=32, strength=32, instrument=16, pitch=64, duration=32
        ),
        d_timing=32,
        pre_norm=True,
        metre=True,
        chained_heads=True,
        echo_bars=(1, 2, 4, 8, 16),
        cues=True,
    ),
}
"""The sizes to choose from: `paper` as published, `small` as shipped, `tiny` for comparisons and tests."""
PLANNER = ModelConfig(
    d_model=128, n_layer=4, n_head=4, d_feed_forward=384, dropout=0.0, pre_norm=True, chained_heads=True, plans=True
)
"""The sizes of the planner."""


@dataclass(frozen=True)
class PrepareConfig:
    """Which songs a corpus takes. The defaults are those that LPD's packs were made with."""

    min_bars: int = 8
    """Fewest bars in which a note starts."""
    min_tracks: int = 3
    """Fewest of the five tracks that play `min_track_notes` notes or more."""
    min_track_notes: int = 16
    min_on_grid: float = 0.8
    """Smallest share of notes that start within a 24th of a beat of a sixteenth: it leaves out triplets and swing."""
    validation_share: float = 0.02
    """Share of songs that are held out, where a song does not say itself which split it is in."""


KERNELS = ("chunked", "fast-transformers")
"""The code that multiplies out the attention of a whole sequence: our own, or that extra where it is installed."""


PRECISIONS = ("auto", "fp32", "bf16")
"""The precisions in which a network can be trained."""


SheetKind = Literal["chords", "repeats", "sections", "players", "kit", "energy", "accents"]
"""A kind of thing on the lead sheet that is known or unknown as a whole; `repeats` are the planned bars that return."""


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained."""

    words_per_step: int = 6144
    """Words in a batch, padding included."""
    max_words: int = 3072
    """Longest example in words; what is longer is cut at a bar."""
    min_bars: int = 2
    """Shortest piece cut out of a song, in bars."""
    max_bars: int = 60
    """Longest piece cut out of a song, in bars."""
    whole_song_share: float = 0.15
    """Share of examples that keep the timing of their whole song."""
    joined_share: float = 0.35
    """Share of examples that are a song's opening joined to its ending: pieces of any length that begin and end."""
    splice_share: float = 0.1
    """Share of examples that change from a song to another like it, as music must at a cut."""
    unlabelled_share: float = 0.25
    """Share of examples drawn from songs without a genre, where there are any."""
    free_share: float = 0.15
    """Probability with which each initial word is left FREE."""
    unknown_share: float = 0.12
    """Probability with which each kind of thing on the lead sheet is left to the model: chords, form, players ..."""
    accent_share: float = 0.6
    """Share of a song's accents that its sheet tells."""
    never_told: tuple[SheetKind, ...] = ()
    """Kinds of things on the lead sheet that no example is told, to see what each is worth."""
    transpose: str = "home"
    """`home` brings every song to C major or A minor; `random` moves it by -6..5 semitones."""
    optimizer: Optimizer = "muon"
    """`muon` for the matrices inside the network with AdamW for the rest (`cmt.training.muon`), or `adamw` for all."""
    learning_rate: float = 3e-3
    """The peak of the learning rate; the command line takes `ADAMW_RATE` where AdamW changes all weights."""
    warmup_steps: int = 200
    """Steps over which the rate rises."""
    decay_share: float = 0.35
    """Last share of the training over which the rate falls to a fiftieth."""
    weight_decay: float = 0.05
    max_gradient_norm: float = 1.0
    seed: int = 0
    precision: str = "auto"
    """`fp32`, `bf16` (autocast), or `auto`: bf16 where the processor multiplies it in hardware."""
    kernel: str = "chunked"
    """The code that multiplies out the attention, one of `KERNELS`; the numbers are the same."""
    accumulate: int = 1
    """Batches in a step, for batches larger than the memory."""
    average: float = 0.999
    """Share that the moving average of the weights keeps of itself at each step; 0 follows the weights at once."""
    patience: int = 0
    """Training stops after this many validations without a better one; 0 never stops it."""
    checkpoint_minutes: float = 4.0
    """Minutes between checkpoints, each with a validation."""
    validation_steps: int = 0
    """The steps between checkpoints, which is repeatable, where `checkpoint_minutes` is not; 0 leaves it to the
    clock."""
    validation_words: int = 60_000
    """A validation reads this many words of validation songs."""


PLANNER_TRAINING = TrainConfig(words_per_step=1024, max_bars=64, splice_share=0.0, validation_words=8_000)
"""How the planner is trained: its words are bars."""


@dataclass(frozen=True)
class GenerateConfig:
    """How a piece is written."""

    control: float = 0.7
    """The probability, 0..1, with which a bar's density and a visual beat's strengths are the video's (C of the paper's
    section 4.2)."""
    dynamics: Dynamics = "relative"
    """`relative`: music as lively as the whole video is among many, calmer and livelier with the video's own bars;
    `absolute`: each bar as lively as it is among those of many videos."""
    temperature: float = 1.0
    """Scales the spread of every draw; above 0, at most 5."""
    guidance: float = 1.0
    """How far genre and mode are driven (classifier-free guidance), 0..10: 0 ignores them, 1 is as learnt, more goes on
    in the direction from what the model would write if they were left open to what it writes now."""
    nucleus: float = 0.95
    """Share of probability that a draw of a position chooses from (top-p), above 0, at most 1."""
    note_nucleus: float = 0.99
    """The nucleus of what is played on a position, by whom, how much of it and how long. It is wider: rhythm falls
    apart by unlikely choices, melody lives by them."""
    int8: bool = False
    """Whether the layers of the network that writes notes are computed in 8 bits, by onnxruntime: it is quicker, and
    writes other notes."""
    seed: int = 0
