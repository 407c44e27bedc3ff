"""The arithmetic of the layers in NumPy: products, normalisation, activation, feature map, positions."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from cmt.network.weights import Floats

NORM_EPSILON = 1e-5
"""This is added under the root of a layer's normalisation, as torch does."""


def feature_map(x: Floats, out: tuple[Floats, Floats]) -> None:
    """elu(x) + 1 of the two halves of (row, 2, ...); `x` is changed."""
    below = np.minimum(x, 0)
    np.exp(below, out=below)
    np.maximum(x, 0, out=x)
    for half in (0, 1):
        np.add(x[:, half], below[:, half], out=out[half])


def gelu(x: Floats, out: Floats) -> Floats:
    """`x` times the normal distribution function, by straight lines between 256 points a unit: exact to 2e-6."""
    place = x * np.float32(_GELU_POINTS)
    place += np.float32(_GELU_LIMIT * _GELU_POINTS + 1)
    piece = place.astype(np.intp)  # below the first piece 0 or negative
    slope = _GELU_SLOPES.take(piece, mode="clip")
    np.multiply(x, slope, out=out)
    np.add(out, _GELU_HEIGHTS.take(piece, mode="clip"), out=out)
    return out


_GELU_POINTS, _GELU_LIMIT = 256, 6


def _gelu_pieces() -> tuple[Floats, Floats]:
    """Slopes and heights at 0 of the lines: from -6 to 6 gelu's, before it 0, behind it x."""
    x = np.arange(-_GELU_LIMIT * _GELU_POINTS, _GELU_LIMIT * _GELU_POINTS + 1) / _GELU_POINTS
    y = np.array([value * math.erfc(-value / math.sqrt(2)) / 2 for value in x.tolist()])
    slopes = np.diff(y) * _GELU_POINTS
    heights = y[:-1] - slopes * x[:-1]
    return np.r_[0, slopes, 1].astype(np.float32), np.r_[0, heights, 0].astype(np.float32)


_GELU_SLOPES, _GELU_HEIGHTS = _gelu_pieces()


@lru_cache(maxsize=64)  # the words of a position share one
def position_encoding(position: int, d_model: int) -> Floats:
    """(d_model,) sinusoids of the position in the piece (eq. 14, 15); not to be changed."""
    angle = position * np.exp(-np.log(10000.0) * np.arange(0, d_model, 2) / d_model)
    encoding = np.stack([np.sin(angle), np.cos(angle)], axis=-1).ravel().astype(np.float32)
    encoding.flags.writeable = False
    return encoding


def product_by_rows(rows: Floats, matrix: Floats) -> Floats:
    """The product of (row, n_in) and (n_in, n_out), row by row: later rows find the matrix in the cache.

    At once, BLAS would first copy the matrix into another order, which costs more than the product of a few rows;
    and a row's numbers would depend on how many others there are.
    """
    return np.asarray(np.matmul(rows[:, None, :], matrix)[:, 0])


def with_bias(rows: Floats, matrix: Floats) -> Floats:
    """(row, n_in) through (n_in + 1, n_out), whose last row is the bias."""
    mapped: Floats = product_by_rows(rows, matrix[:-1]) + matrix[-1]
    return mapped


def centred(x: Floats) -> Floats:
    """(row, n) rows less their means."""
    return np.asarray(x - np.add.reduce(x, axis=1, keepdims=True) / np.float32(x.shape[1]))


def scaled(x: Floats, out: Floats | None = None) -> Floats:
    """Rows of mean 0 to length 1, where a norm would make it the root of the width."""
    square = np.matmul(x[:, None, :], x[:, :, None])[:, 0]
    square += np.float32(NORM_EPSILON * x.shape[1])
    np.sqrt(square, out=square)
    return np.asarray(np.divide(x, square, out=out))
