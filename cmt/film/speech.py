"""Where somebody speaks in a sound: Silero's network for voice activity, computed in NumPy.

The weights are those of silero-vad 6.2.3 (MIT licence, its notice lies beside them; `data/make_speech_model.py` takes
them out of its wheel). The network hears 16,000 samples a second, 32 ms at a time: a spectrum, four convolutions, an
LSTM that remembers what was before, and a probability that somebody speaks. From the probabilities follow spans with
the constants that its makers use.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.errors import CmtError
from cmt.film.sound import film_sound
from midi_io.samples import LongSound

SAMPLE_RATE = 16_000
"""The samples a second that the network hears."""
CHUNK = 512
"""The samples for which it gives one probability."""
_CONTEXT = 64
"""The samples before a chunk that it hears once more; as many behind it are mirrored."""
_HOP, _WINDOW = 128, 256
"""The samples from one spectrum to the next, and in each."""
_CHUNKS_AT_ONCE = 512

THRESHOLD = 0.5
"""From this probability on speech begins."""
LEAVING_THRESHOLD = 0.35
"""Below this probability it ends."""
SHORTEST_SPEECH, SHORTEST_SILENCE, PADDING = 0.25, 0.1, 0.03
"""Seconds: what is shorter is no speech; what is shorter does not part it; so much longer is each span at both ends."""

Array = NDArray[np.float32]


class Span(NamedTuple):
    """A time in which somebody speaks."""

    begin: float
    """Seconds from the first picture."""
    end: float
    """Seconds from the first picture."""


class _Network(NamedTuple):
    """The weights as they are multiplied: each (values in, values out)."""

    spectrum: Array
    """(_WINDOW, 2 * frequency) cosines, then sines."""
    convolutions: tuple[tuple[Array, Array, int], ...]
    """Each (3 * channels in, channels out), its bias, and its stride."""
    lstm_in: Array
    lstm_back: Array
    lstm_bias: Array
    last: Array
    last_bias: np.float32


def find_speech(path: Path) -> tuple[Span, ...]:
    """The spans of a video's own sound in which somebody speaks; none if it has no sound.

    It is the sound that `cmt.film.mux.write_video` mixes, its channels as one.

    Raises
    ------
    CmtError
        If it is no video, or no frame of it can be read.
    """
    sound = film_sound(path, SAMPLE_RATE, layout="mono", scratch=Path(tempfile.gettempdir()))
    if sound is None:
        return ()
    return speech_spans(speech_probabilities(sound), len(sound) / SAMPLE_RATE)


def speech_probabilities(sound: NDArray[np.floating] | LongSound) -> Array:
    """(n_chunk,) how likely somebody speaks in each `CHUNK` samples of `sound`, (n_sample,) at `SAMPLE_RATE`."""
    network = _network()
    n_chunk = -(-len(sound) // CHUNK)
    n_hidden = len(network.lstm_back)
    hidden, cell = np.zeros(n_hidden, np.float32), np.zeros(n_hidden, np.float32)
    probabilities = np.zeros(n_chunk, np.float32)
    for first in range(0, n_chunk, _CHUNKS_AT_ONCE):
        windows = _windows(sound, first, min(n_chunk, first + _CHUNKS_AT_ONCE))
        states = np.zeros((len(windows), n_hidden), np.float32)
        features = _features(network, windows)
        for number, heard_now in enumerate(features @ network.lstm_in + network.lstm_bias):
            enter, keep, new, leave = (heard_now + hidden @ network.lstm_back).reshape(4, n_hidden)
            cell = _sigmoid(keep) * cell + _sigmoid(enter) * np.tanh(new)
            hidden = _sigmoid(leave) * np.tanh(cell)
            states[number] = hidden
        there = slice(first, first + len(windows))
        probabilities[there] = _sigmoid(np.maximum(states, 0) @ network.last + network.last_bias)
    return probabilities


def _windows(sound: NDArray[np.floating] | LongSound, first: int, last: int) -> Array:
    """(last - first, _CONTEXT + CHUNK) what is heard of chunks `first` to `last`; around the sound is silence."""
    begin, end = first * CHUNK - _CONTEXT, last * CHUNK
    heard = np.zeros(end - begin, np.float32)
    there = sound[max(0, begin) : min(end, len(sound))].reshape(-1)
    heard[max(0, -begin) :][: len(there)] = there
    return np.lib.stride_tricks.sliding_window_view(heard, _CONTEXT + CHUNK)[::CHUNK]


def speech_spans(probabilities: Sequence[float] | Array, duration: float) -> tuple[Span, ...]:
    """The spans, in order, of a sound of `duration` seconds with these probabilities, (n_chunk,)."""
    chunk = CHUNK / SAMPLE_RATE
    rough: list[list[float]] = []
    begin: float | None = None
    fallen: float | None = None
    for number, probability in enumerate(probabilities):
        time = number * chunk
        if probability >= THRESHOLD:
            fallen = None
            begin = time if begin is None else begin
        elif probability < LEAVING_THRESHOLD and begin is not None:
            fallen = time if fallen is None else fallen
            if time - fallen >= SHORTEST_SILENCE:
                rough.append([begin, fallen])
                begin = fallen = None
    if begin is not None:
        rough.append([begin, duration])
    spans: list[Span] = []
    for first, last in rough:
        if last - first <= SHORTEST_SPEECH:
            continue
        padded = Span(max(0.0, first - PADDING), min(duration, last + PADDING))
        if spans and padded.begin < spans[-1].end:  # the padding of both meets in the middle
            middle = (padded.begin + spans[-1].end) / 2
            spans[-1] = spans[-1]._replace(end=middle)
            padded = padded._replace(begin=middle)
        spans.append(padded)
    return tuple(Span(round(begin, 3), round(end, 3)) for begin, end in spans)


def _features(network: _Network, windows: Array) -> Array:
    """(n, _CONTEXT + CHUNK) -> (n, feature)."""
    mirrored = windows[:, -2 : -2 - _CONTEXT : -1]
    frames = np.lib.stride_tricks.sliding_window_view(np.concatenate([windows, mirrored], axis=1), _WINDOW, axis=1)
    waves = frames[:, ::_HOP] @ network.spectrum  # (n, frame, 2 * frequency)
    real, imaginary = np.split(waves, 2, axis=-1)
    heard = np.sqrt(real**2 + imaginary**2)
    for weight, bias, stride in network.convolutions:
        padded = np.pad(heard, ((0, 0), (1, 1), (0, 0)))
        n_out = (heard.shape[1] - 1) // stride + 1
        taps = [padded[:, tap : tap + (n_out - 1) * stride + 1 : stride] for tap in range(3)]
        heard = np.maximum(np.concatenate(taps, axis=-1) @ weight + bias, 0)
    return np.asarray(heard[:, 0])


def _sigmoid(values: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), np.float32)


@lru_cache(maxsize=1)
def _network() -> _Network:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = Path(str(resources.files("cmt") / "assets" / "silero_vad_16k.safetensors"))
    try:
        weights = load_file(path)
    except (OSError, SafetensorError):
        raise CmtError(f"{path}: missing or damaged; install cmt again") from None

    def convolution(number: int, stride: int) -> tuple[Array, Array, int]:
        kernel = weights[f"convolution{number}.weight"]  # (channels out, channels in, 3)
        by_tap = kernel.transpose(2, 1, 0).reshape(-1, len(kernel))
        return np.ascontiguousarray(by_tap), weights[f"convolution{number}.bias"], stride

    return _Network(
        spectrum=np.ascontiguousarray(weights["stft"][:, 0].T),
        convolutions=tuple(convolution(number, stride) for number, stride in enumerate((1, 2, 2, 1))),
        lstm_in=np.ascontiguousarray(weights["lstm.weight_ih"].T),
        lstm_back=np.ascontiguousarray(weights["lstm.weight_hh"].T),
        lstm_bias=weights["lstm.bias_ih"] + weights["lstm.bias_hh"],
        last=weights["last.weight"][0, :, 0],
        last_bias=weights["last.bias"][0],
    )
