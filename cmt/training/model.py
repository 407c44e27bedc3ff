"""The network over whole pieces, from words to the loss; `cmt.network.decoder` is the same word by word.

Source: Di et al. (ACM MM 2021), section 4, with two choices of ours that the `small` preset
makes: layers are normalised first, and a word's attributes are drawn in a chain.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from cmt.config import PHRASE_BARS, ModelConfig
from cmt.music.cues import CUE_SIZES, N_SOUNDING, Cues
from cmt.music.words import (
    BAR,
    CHAIN,
    FIELD_SIZES,
    FIELDS,
    INITIAL_SIZES,
    MOOD_STEP,
    N_INITIAL_STEP,
    N_TIMING,
    WordType,
)
from cmt.network.echo import AGREEMENT_WORDS
from cmt.network.relative import N_DEGREE_ROW, N_INTERVAL, degree_rows, degrees, intervals
from cmt.training.attention import attend_sequence
from midi_io.song import POSITIONS_PER_BAR, Instrument


class Batch(NamedTuple):
    """Examples side by side, padded at their ends."""

    initial: Tensor
    """The initial words (batch, 10)."""
    fields: Tensor
    """The words (batch, word, 7)."""
    positions: Tensor
    """The position of each word (batch, word), in sixteenths from the start of the piece."""
    timing: Tensor
    """The bin of the beat timing of each word (batch, word)."""
    echoes: Tensor
    """The index of each word's echoes (batch, word, echo) in its own piece, -1 where there is none."""
    agreement: Tensor
    """The share of late in which they were right (batch, word, echo * 2)."""
    mask: Tensor
    """The mask (batch, word), true where there is a word."""
    planned: Tensor | None = None
    """The index of each word's planned echo (batch, word, 1), -1 where there is none; this and what follows are for a
    network that knows cues."""
    planned_agreement: Tensor | None = None
    """The share of late in which it was right (batch, word, 2)."""
    cues: Tensor | None = None
    """The cues of each word (batch, word, cue)."""
    sounding: Tensor | None = None
    """What sounds in the other parts (batch, word, 12)."""


class WordEmbedding(nn.Module):
    """Attributes embedded, joined and projected (eq. 10, 11), plus position and timing (eq. 12-15)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.tables = nn.ModuleList(
            nn.Embedding(size, width) for size, width in zip(FIELD_SIZES, config.embedding_sizes, strict=True)
        )
        self.w_in = nn.Linear(sum(config.embedding_sizes), config.d_model)
        self.timing = nn.Embedding(N_TIMING + 1, config.d_timing)
        self.timing_in = nn.Linear(config.d_timing, config.d_model)
        self.in_bar = nn.Embedding(POSITIONS_PER_BAR, config.d_model) if config.metre else None
        self.in_phrase = nn.Embedding(PHRASE_BARS, config.d_model) if config.metre else None
        n_echo = len(config.echo_bars)
        self.echo_in = nn.Linear(n_echo * config.d_model, config.d_model, bias=False) if n_echo else None
        self.agreement_in = nn.Linear(len(AGREEMENT_WORDS) * n_echo, config.d_model, bias=False) if n_echo else None
        self.d_model = config.d_model
        self.cues: nn.ModuleList | None = None
        if config.cues:
            self.cues = nn.ModuleList(nn.Embedding(size, config.d_model) for size in CUE_SIZES)
            self.sounding_in = nn.Linear(N_SOUNDING, config.d_model, bias=False)
            self.planned_in = nn.Linear(config.d_model, config.d_model, bias=False)
            self.planned_agreement_in = nn.Linear(len(AGREEMENT_WORDS), config.d_model, bias=False)

    def forward(self, batch: Batch) -> Tensor:
        """(batch, word, d_model)."""
        positions = batch.positions
        embedded = torch.cat([table(batch.fields[..., k]) for k, table in enumerate(self.tables)], dim=-1)
        words: Tensor = self.w_in(embedded)
        x: Tensor = words + self.timing_in(self.timing(batch.timing)) + position_encoding(positions, self.d_model)
        if self.in_bar is not None and self.in_phrase is not None:
            x = x + self.in_bar(positions % POSITIONS_PER_BAR)
            x = x + self.in_phrase(positions // POSITIONS_PER_BAR % PHRASE_BARS)
        if self.echo_in is not None and self.agreement_in is not None:
            x = x + self.echo_in(gathered(words, batch.echoes)) + self.agreement_in(batch.agreement)
        return x if self.cues is None else x + self._told(batch, words)

    def added(self) -> list[nn.Linear | nn.Embedding]:
        """The maps of echoes and cues: what a word is told beside itself."""
        maps: list[nn.Linear | nn.Embedding] = [m for m in (self.echo_in, self.agreement_in) if m is not None]
        if self.cues is not None:
            maps += [*self.cues, self.sounding_in, self.planned_in, self.planned_agreement_in]
        return maps

    def _told(self, batch: Batch, words: Tensor) -> Tensor:
        """(batch, word, d_model) the cues, what sounds, and the planned echo."""
        assert self.cues is not None and batch.cues is not None and batch.planned is not None  # all of them or none
        told = self.planned_in(gathered(words, batch.planned)) + self.planned_agreement_in(batch.planned_agreement)
        told = told + self.sounding_in(batch.sounding)
        for k, table in enumerate(self.cues):
            told = told + table(batch.cues[..., k])
        return torch.as_tensor(told)


def gathered(words: Tensor, echoes: Tensor) -> Tensor:
    """(batch, word, d_model), (batch, word, echo) -> (batch, word, echo * d_model), zeros where there is no echo."""
    n_piece, n_word, d_model = words.shape
    first = torch.arange(n_piece, device=words.device)[:, None, None] * n_word
    found = words.reshape(-1, d_model)[(echoes.clamp(min=0) + first).flatten()].view(*echoes.shape, d_model)
    return (found * (echoes >= 0).unsqueeze(-1)).flatten(2)


def position_encoding(positions: Tensor, d_model: int) -> Tensor:
    """Sinusoids of the position in the piece (eq. 14, 15): all words of a sixteenth share one.

    (...) -> (..., d_model)
    """
    exponent = torch.arange(0, d_model, 2, device=positions.device, dtype=torch.float32) / d_model
    angle = positions.float().unsqueeze(-1) * torch.exp(-math.log(10000.0) * exponent)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(-2)


class Layer(nn.Module):
    """Causal linear attention, then a feed-forward network."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_head = config.n_head
        self.pre_norm = config.pre_norm
        self.kernel = "chunked"
        """One of cmt.config.KERNELS. It decides how the work is done, not what comes out, so it is no part of the
        configuration."""
        self.attention_in = nn.Linear(config.d_model, 3 * config.d_model)
        self.attention_out = nn.Linear(config.d_model, config.d_model)
        self.feed_forward = nn.Sequential(
            nn.Linear(config.d_model, config.d_feed_forward),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.d_feed_forward, config.d_model),
        )
        self.norms = nn.ModuleList(nn.LayerNorm(config.d_model) for _ in range(2))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, step, d_model) -> the same."""
        q, k, v = self._heads(self.norms[0](x) if self.pre_norm else x)
        attended, _ = attend_sequence(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), self.kernel)
        return self._rest(x, attended.transpose(1, 2))

    def _heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = self.attention_in(x).unflatten(-1, (3, self.n_head, -1)).unbind(-3)
        return q, k, v  # each (..., head, size)

    def _rest(self, x: Tensor, attended: Tensor) -> Tensor:
        x = x + self.dropout(self.attention_out(attended.flatten(-2)))
        if self.pre_norm:
            rest: Tensor = self.dropout(self.feed_forward(self.norms[1](x)))
            return x + rest
        x = self.norms[0](x)
        normed: Tensor = self.norms[1](x + self.dropout(self.feed_forward(x)))
        return normed


class IndependentHeads(nn.Module):
    """The paper's two stages: the type, then every attribute given the type alone."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.type_out = nn.Linear(config.d_model, FIELD_SIZES.type)
        self.type_seen = nn.Embedding(FIELD_SIZES.type, config.embedding_sizes.type)
        self.joined = nn.Linear(config.d_model + config.embedding_sizes.type, config.d_model)
        self.out = nn.ModuleDict({name: nn.Linear(config.d_model, getattr(FIELD_SIZES, name)) for name in CHAIN})

    def logits(self, name: str, hidden: Tensor, fields: Tensor) -> Tensor:
        """Logits (word, value) of attribute `name`, from `hidden` (word, d_model) and the known `fields` (word, 7)."""
        logits: Tensor = self.out[name](self.joined(torch.cat([hidden, self.type_seen(fields[..., 0])], dim=-1)))
        return logits


class ChainedHeads(nn.Module):
    """The type, then the attributes in the order of CHAIN, each seeing those before it."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.type_out = nn.Linear(config.d_model, FIELD_SIZES.type)
        self.hidden = nn.ModuleDict({name: nn.Linear(config.d_model, config.d_model) for name in CHAIN})
        self.seen = nn.ModuleDict(
            {
                f"{name}_{earlier}": nn.Embedding(getattr(FIELD_SIZES, earlier), config.d_model)
                for name, before in CHAIN.items()
                for earlier in before
            }
        )
        self.out = nn.ModuleDict({name: nn.Linear(config.d_model, getattr(FIELD_SIZES, name)) for name in CHAIN})

    def logits(self, name: str, hidden: Tensor, fields: Tensor) -> Tensor:
        """Logits (word, value) of attribute `name`, from `hidden` (word, d_model) and the known `fields` (word, 7)."""
        x = self.hidden[name](hidden)
        for earlier in CHAIN[name]:
            x = x + self.seen[f"{name}_{earlier}"](fields[..., FIELDS.index(earlier)])
        logits: Tensor = self.out[name](functional.gelu(x))
        return logits


class RelativePitch(nn.Module):
    """What the chord's degrees and the intervals from the last pitch add to the logits of pitches."""

    def __init__(self) -> None:
        super().__init__()
        self.degrees = nn.Embedding(N_DEGREE_ROW, 12)
        self.intervals = nn.Embedding(len(Instrument), N_INTERVAL)

    def forward(self, fields: Tensor, positions: Tensor, cues: Tensor) -> Tensor:
        """(note, 129) for note words (note, 7), their positions (note,) and cues (note, cue)."""
        instrument = fields[:, FIELDS.index("instrument")]
        numbers = cues.cpu().numpy()
        chord, last_pitch = (numbers[:, Cues._fields.index(name)] for name in ("chord", "last_pitch"))
        rows = degree_rows(instrument.cpu().numpy(), positions.cpu().numpy() % POSITIONS_PER_BAR, chord)
        by_degree: Tensor = self.degrees(torch.from_numpy(rows).to(fields.device))
        by_interval: Tensor = self.intervals(instrument - 1)
        by_degree = by_degree.gather(1, torch.from_numpy(degrees(chord)).to(fields.device))
        return by_degree + by_interval.gather(1, torch.from_numpy(intervals(last_pitch)).to(fields.device))


class MusicTransformer(nn.Module):
    """Initial words and compound words in, the next word's attributes out."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = WordEmbedding(config)
        self.initial = nn.ModuleList(nn.Embedding(size, config.d_model) for size in INITIAL_SIZES)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.n_layer))
        self.norm = nn.LayerNorm(config.d_model)
        self.heads = ChainedHeads(config) if config.chained_heads else IndependentHeads(config)
        self.relative = RelativePitch() if config.cues else None
        self.apply(initialise)
        added_maps: list[nn.Linear | nn.Embedding] = [*self.embedding.added(), *self.mood_tables()]
        if self.relative is not None:
            added_maps += [self.relative.degrees, self.relative.intervals]
        for added in added_maps:  # nothing is expected of what is told until it proves right
            nn.init.zeros_(added.weight)

    def inner_matrices(self) -> list[tuple[Tensor, int]]:
        """The matrices (n_out, n_in) that map hidden vectors to hidden vectors, each with the number of maps in it.

        Tables, outputs, biases and norms are not among them, nor what reads the few numbers of the agreement.
        """
        outputs = {*self.heads.out.values(), self.heads.type_out, self.embedding.agreement_in}
        if self.embedding.cues is not None:
            outputs |= {self.embedding.planned_agreement_in, self.embedding.sounding_in}
        linear = [module for module in self.modules() if isinstance(module, nn.Linear) and module not in outputs]
        thrice = {layer.attention_in for layer in self.layers}  # queries, keys and values
        return [(module.weight, 3 if module in thrice else 1) for module in linear]

    def mood_tables(self) -> list[nn.Embedding]:
        """The tables of the initial words for the mood."""
        return [table for table in self.initial[N_INITIAL_STEP:] if isinstance(table, nn.Embedding)]

    def cue_tables(self) -> list[Tensor]:
        """The tables of the mood, of the cues, and of what is relative to them."""
        moods = [table.weight for table in self.mood_tables()]
        if self.embedding.cues is None or self.relative is None:
            return moods
        return [*moods, *self.embedding.cues.parameters(), *self.relative.parameters()]

    def use_kernel(self, kernel: str) -> None:
        """Multiply out whole sequences by one of `cmt.config.KERNELS`."""
        for layer in self.layers:
            assert isinstance(layer, Layer)  # for the type checker
            layer.kernel = kernel

    def hidden(self, batch: Batch) -> Tensor:
        """(batch, word, d_model): at each word what is known *before* it, so the future cannot leak."""
        x = torch.cat([self._embed_initial(batch.initial), self._embed_words(batch)], dim=1)
        for layer in self.layers:
            x = layer(x)
        known: Tensor = self.norm(x)[:, N_INITIAL_STEP - 1 : -1]
        return known

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The sum, a scalar, of -log p over the words to which an attribute applies, in nats, by attribute."""
        hidden = self.hidden(batch)[batch.mask]  # (word, d_model)
        fields = batch.fields[batch.mask]
        losses = {"type": _cross_entropy(self.heads.type_out(hidden), fields[:, 0])}
        for name, applies in attribute_masks(fields).items():
            if name in self.config.left_out:
                losses[name] = losses["type"].new_zeros(())
                continue
            rows = applies.nonzero().squeeze(1)
            logits = self.heads.logits(name, hidden[rows], fields[rows])
            if name == "pitch" and self.relative is not None and batch.cues is not None:
                positions, cues = batch.positions[batch.mask], batch.cues[batch.mask]
                logits = logits + self.relative(fields[rows], positions[rows], cues[rows])
            losses[name] = _cross_entropy(logits, fields[rows, FIELDS.index(name)])
        return losses

    def _embed_initial(self, initial: Tensor) -> Tensor:
        words = torch.stack([table(initial[:, k]) for k, table in enumerate(self.initial)], dim=1)
        mood = words[:, N_INITIAL_STEP:].sum(dim=1, keepdim=True)
        heard_with_it = torch.arange(N_INITIAL_STEP, device=words.device) == MOOD_STEP
        return words[:, :N_INITIAL_STEP] + mood * heard_with_it[None, :, None]

    def _embed_words(self, batch: Batch) -> Tensor:
        embedded: Tensor = self.dropout(self.embedding(batch))
        return embedded


def weights_of(model: nn.Module) -> dict[str, np.ndarray]:
    """Every weight as an array by name, as a checkpoint holds them."""
    return {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in model.state_dict().items()}


def attribute_masks(fields: Tensor) -> dict[str, Tensor]:
    """For each attribute after the type, the words (word, 7) in which there is something to choose.

    A beat's density and a note's instrument follow from the words before them: the grammar
    sets them, nothing is learnt.
    """
    word_type, position = fields[:, 0], fields[:, 1]
    rhythm = word_type == WordType.RHYTHM
    bar = position == BAR
    note = word_type == WordType.NOTE
    beat = rhythm & ~bar
    return {"position": rhythm, "instrument": beat, "strength": beat, "density": bar, "pitch": note, "duration": note}


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(logits.float(), target, reduction="sum")


def initialise(module: nn.Module) -> None:
    """Set a module's weights as training begins with them."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.3)
