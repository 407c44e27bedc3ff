"""Short files of sound that a user has, in whatever format FFmpeg reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmt.errors import CmtError, VideoError
from cmt.film.sound import is_heard
from video_rhythm.container import open_container


def read_sound_file(path: Path, sample_rate: int, longest: float) -> NDArray[np.float32]:
    """(n_sample, 2) the sound of a file, left and right.

    Parameters
    ----------
    longest
        The seconds that it may last; no more than these are decoded.

    Raises
    ------
    CmtError
        If there is no sound in it that can be decoded, or it lasts longer.
    """
    import av

    parts: list[NDArray[np.float32]] = []
    n_sample = 0
    try:
        container = open_container(str(path), str(path))
    except VideoError:
        raise CmtError(f"{path}: cannot be read as sound; check it, or remove it") from None
    with container:
        stream: Any = next((stream for stream in container.streams.audio if is_heard(stream)), None)
        if stream is None:
            raise CmtError(f"{path}: has no sound that can be decoded; remove it, or give a file that has")
        resampler = av.AudioResampler("fltp", "stereo", sample_rate)
        try:
            for frame in container.decode(stream):
                for converted in resampler.resample(frame):
                    parts.append(converted.to_ndarray().astype(np.float32))
                    n_sample += parts[-1].shape[1]
                if n_sample > longest * sample_rate:
                    raise CmtError(
                        f"{path}: lasts more than {longest:g} s, the most for a sound; cut out what is meant"
                    )
            parts += [converted.to_ndarray().astype(np.float32) for converted in resampler.resample(None)]
        except (av.error.FFmpegError, OSError, ValueError, RuntimeError) as error:  # frames of changing kinds, too
            raise CmtError(f"{path}: cannot be read as sound ({error}); check it, or remove it") from error
    if not parts:
        raise CmtError(f"{path}: has no sound; remove it, or give a file that has")
    samples = np.ascontiguousarray(np.concatenate(parts, axis=1).T, np.float32)
    if not np.isfinite(samples).all():
        raise CmtError(f"{path}: holds samples that are no numbers; export it again from the program that made it")
    return samples
