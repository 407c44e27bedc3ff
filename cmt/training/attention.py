"""Causal linear attention (Katharopoulos et al., *Transformers are RNNs*, ICML 2020).

The whole sequence at once, for training; `cmt.network.layers.StackState.attend` gives the same numbers one by one.
The feature map is elu(x) + 1, as in the paper; sums are kept in float32.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from cmt.config import EPSILON

CHUNK = 64
"""This many steps are multiplied out at once; 64 was the fastest of 32..256 on two cores."""


def feature_map(x: Tensor) -> Tensor:
    """elu(x) + 1 of `x` (...): positive, so that the normaliser is."""
    return functional.elu(x) + 1


def attend_sequence(queries: Tensor, keys: Tensor, values: Tensor, kernel: str = "chunked") -> tuple[Tensor, Tensor]:
    """Attention of each step to itself and all before it.

    Parameters
    ----------
    queries, keys, values
        (batch, head, step, size), before the feature map.
    kernel
        One of `cmt.config.KERNELS`; the numbers are the same.

    Returns
    -------
    attended
        (batch, head, step, size).
    state
        (batch, head, size, size + 1) float32: the sums of keys times values, and of keys, after the last step.
    """
    q, k, v = feature_map(queries.float()), feature_map(keys.float()), with_ones(values.float())
    total, state = _fast_transformers_sums(q, k, v) if kernel == "fast-transformers" else _chunked_sums(q, k, v)
    return normalised(total).to(values.dtype), state


def _chunked_sums(queries: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted sums of the values (batch, head, step, size + 1), and the state after the last step."""
    n_step = queries.shape[2]
    q, k, v = (
        torch.unflatten(functional.pad(x, (0, 0, 0, -n_step % CHUNK)), 2, (-1, CHUNK)) for x in (queries, keys, values)
    )  # (batch, head, chunk, CHUNK, size)
    per_chunk = k.transpose(-1, -2) @ v  # (batch, head, chunk, size, size + 1)
    sums = per_chunk.cumsum(dim=2)
    within = (q @ k.transpose(-1, -2)).tril() @ v
    before = q @ (sums - per_chunk)
    return (within + before).flatten(2, 3)[:, :, :n_step], sums[:, :, -1]


def _fast_transformers_sums(queries: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """The sums of `_chunked_sums`, by fast-transformers' compiled kernel."""
    from fast_transformers.causal_product import causal_dot_product

    total = causal_dot_product(queries.contiguous(), keys.contiguous(), values.contiguous())
    return total, keys.transpose(-1, -2) @ values


def with_ones(values: Tensor) -> Tensor:
    """The values (..., size) with a column of ones beside them, (..., size + 1): its weighted sum is the normaliser."""
    return functional.pad(values, (0, 1), value=1.0)


def normalised(total: Tensor) -> Tensor:
    """Weighted sums (..., size + 1) divided by their last column, the sum of the weights: (..., size)."""
    return total[..., :-1] / (total[..., -1:] + EPSILON)
