"""A user's own sounds: a folder of files, whose names or a CSV file say what each is for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cmt.errors import CmtError
from cmt.film.sound_file import read_sound_file
from cmt.machine.columns import read_table
from cmt.sounds.event import KINDS, LONGEST, SoundEvent
from cmt.sounds.signals import Samples, panned, smooth_ends

LIST = "sounds.csv"
"""The file that says what is for what: on each line the name of a file, and a kind."""
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".m4a", ".aif", ".aiff", ".opus")
LONGEST_BED = 120.0
"""Seconds that a file for a bed lasts at most; it is repeated."""
MOST_FILES = 500
_RATE_OF_A_LOOK = 8000
_WORDS: Mapping[str, str] = {
    "sub": "sub drop", "boom": "impact", "cineboom": "impact", "impact": "impact", "slam": "impact",
    "explosion": "impact", "thunder": "impact", "reverse": "reverse cymbal", "reversed": "reverse cymbal",
    "riser": "riser", "rise": "riser", "uplifter": "riser", "downlifter": "downlifter", "fall": "downlifter",
    "swish": "swish", "swash": "swish", "cut": "swish", "transition": "swish", "whoosh": "whoosh", "woosh": "whoosh",
    "swoosh": "whoosh", "sweep": "whoosh", "tick": "tick", "click": "tick", "tap": "tick", "hit": "hit",
    "knock": "hit", "punch": "hit", "thud": "hit", "room": "room", "air": "air", "forest": "air", "birds": "air",
    "wind": "wind", "rain": "rain", "surf": "surf", "sea": "surf", "ocean": "surf", "waves": "surf",
    "underwater": "under water", "traffic": "traffic", "street": "traffic", "city": "traffic", "crowd": "crowd",
    "people": "crowd", "fire": "fire", "hum": "hum", "drone": "hum",
}  # fmt: skip
"""Words of names, and the kind that each means; the first that a name has counts."""


@dataclass(frozen=True)
class Library:
    """The usable files of a folder."""

    folder: Path
    files: Mapping[str, str]
    """The kind of each file, by its name."""
    lengths: Mapping[str, float]
    """The seconds of each."""
    warnings: tuple[str, ...] = ()
    """A line for each file that is of no use."""
    _cache: dict[tuple[str, int], Samples] = field(default_factory=dict, compare=False)

    def fitted(self, events: Sequence[SoundEvent]) -> tuple[SoundEvent, ...]:
        """The events with files, wherever there are some of their kind; no two of a kind in a row alike, if it can be.

        Raises
        ------
        CmtError
            If an event names a file that is not there.
        """
        by_kind = {kind: sorted(f for f, its in self.files.items() if its == kind) for kind in KINDS}
        last: dict[str, str] = {}
        fitted = []
        for event in events:
            if event.file is not None and event.file not in self.files:
                raise CmtError(f"{self.folder / event.file}: a sound event names it, and there is no such sound")
            files = [event.file] if event.file is not None else by_kind[event.kind]
            if files:
                file = files[event.variant % len(files)]
                if file == last.get(event.kind) and len(files) > 1:
                    file = files[(event.variant + 1) % len(files)]
                last[event.kind] = file
                length = event.length if event.is_bed else round(min(self.lengths[file], LONGEST), 3)
                if KINDS[event.kind].before > 0:
                    length = min(length, event.length)
                fitted.append(event._replace(file=file, length=length))
            else:
                fitted.append(event)
        return tuple(fitted)

    def sound(self, event: SoundEvent, sample_rate: int) -> Samples:
        """(n, 2) the file of an event that is no bed, so cut that its instant is where it is in those of its kind."""
        assert event.file is not None
        whole = self._whole(event.file, sample_rate)
        n = max(16, round(event.length * sample_rate))
        before = KINDS[event.kind].before
        loud = np.abs(whole).max(axis=1)
        if before == 0:
            anchor = int(np.argmax(loud > 0.1))  # where it strikes
        elif before == 1:
            anchor = len(whole)
        else:
            power = np.convolve(np.square(loud), np.ones(max(1, sample_rate // 20), np.float32), "same")
            anchor = int(power.argmax())
        begin = anchor - round(before * n)
        made = np.zeros((n, 2), np.float32)
        first, last = max(begin, 0), min(begin + n, len(whole))
        made[first - begin : last - begin] = whole[first:last]
        made = smooth_ends(made, sample_rate, 0.0005 if before == 0 else 0.02, min(0.05, event.length / 4))
        return panned(made, event.pan if before == 0 else 0.0) / np.float32(max(np.abs(made).max(), 1e-9))

    def bed(self, event: SoundEvent, sample_rate: int) -> Samples:
        """(n, 2) the file of a bed as a loop, its end faded into its begin; root mean square 1."""
        assert event.file is not None
        whole = self._whole(event.file, sample_rate)
        m = min(len(whole) // 4, sample_rate)
        angle = np.linspace(0, np.pi / 2, m, dtype=np.float32)[:, None]
        loop = whole[: len(whole) - m].copy()
        loop[:m] = loop[:m] * np.sin(angle) + whole[len(whole) - m :] * np.cos(angle)
        return loop / np.float32(np.sqrt(np.mean(np.square(loop))) + 1e-9)

    def _whole(self, file: str, sample_rate: int) -> Samples:
        """(n, 2) a file, its mean 0, its loudest sample 1."""
        key = (file, sample_rate)
        if key not in self._cache:
            longest = LONGEST_BED if KINDS[self.files[file]].is_bed else LONGEST
            whole = read_sound_file(self.folder / file, sample_rate, longest + 1)
            whole -= whole.mean(axis=0)
            self._cache[key] = whole / np.float32(max(np.abs(whole).max(), 1e-9))
        return self._cache[key]


def read_library(folder: Path) -> Library:
    """The sounds of a folder.

    A file `sounds.csv` in it may say what is for what, on each line ``boom.wav,impact``; without one their names do,
    such as ``whoosh 2.wav``. A file that is of no use is left out, with a line that says why.

    Raises
    ------
    CmtError
        If there is no such folder, the list is wrong, or no file is of use.
    """
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise CmtError(f"{folder}: no folder of sounds ({error.strerror}); check the path") from error
    warnings: list[str] = []
    if LIST in names:
        files = _listed(folder, names)
    else:
        sounds = [name for name in names if Path(name).suffix.lower() in SUFFIXES]
        kinds = {name: kind_of_name(name) for name in sounds}
        files = {name: kind for name, kind in kinds.items() if kind is not None}
        nameless = [name for name, kind in kinds.items() if kind is None]
        if nameless:
            warnings.append(
                f"{folder}: {len(nameless)} of {len(sounds)} files have no word in their names that says what they are "
                f"for, such as {nameless[0]}; say it in {LIST}"
            )
    if len(files) > MOST_FILES:
        raise CmtError(f"{folder}: {len(files)} sounds, and {MOST_FILES} are the most; give a folder with fewer")
    lengths: dict[str, float] = {}
    for name, kind in files.items():
        longest = LONGEST_BED if KINDS[kind].is_bed else LONGEST
        try:
            heard = read_sound_file(folder / name, _RATE_OF_A_LOOK, longest)
        except CmtError as error:
            warnings.append(f"{error}; it is left out")
            continue
        if not np.abs(heard).max() > 1e-4 or len(heard) < _RATE_OF_A_LOOK // 100:
            warnings.append(f"{folder / name}: is silent; it is left out")
            continue
        lengths[name] = len(heard) / _RATE_OF_A_LOOK
    if not lengths:
        reason = f" ({warnings[0]})" if warnings else ""
        raise CmtError(
            f"{folder}: no sound that can be used{reason}; put files such as whoosh.wav or impact 1.flac there"
        )
    return Library(folder, {name: files[name] for name in lengths}, lengths, tuple(warnings))


def kind_of_name(name: str) -> str | None:
    """The kind that a file's name says it is for; None where it says nothing."""
    text = re.sub(r"[^a-z]+", " ", Path(name).stem.lower()).strip()
    for kind in sorted(KINDS, key=len, reverse=True):
        if not KINDS[kind].is_movement and f" {kind} " in f" {text} ":
            return kind
    for word in text.split():
        if word in _WORDS:
            return _WORDS[word]
    # What moves comes last: a "metal hit" is a hit.
    return next((word for word in text.split() if word in KINDS), None)


def _listed(folder: Path, names: Sequence[str]) -> dict[str, str]:
    table = read_table(folder / LIST)
    lines = [(line.cells, line.source) for line in table.lines]
    if table.names and (table.names[0] in names or table.names[-1] in KINDS):  # it looks like a header, and is none
        lines.insert(0, (table.names, f"{folder / LIST}:1"))
    files: dict[str, str] = {}
    for cells, source in lines:
        if len(cells) < 2 or cells[1] not in KINDS:
            raise CmtError(f"{source}: give a file and a kind, such as boom.wav,impact; the kinds: {', '.join(KINDS)}")
        if cells[0] not in names:
            raise CmtError(f"{source}: {folder / cells[0]} is not there; check the name")
        files[cells[0]] = cells[1]
    return files
