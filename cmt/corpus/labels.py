"""Genres of LPD's songs, from the lists of ids that are distributed with it."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cmt.errors import CmtError
from cmt.music.words import Genre
from midi_io.input_file import content_of
from midi_io.limits import MOST_LIST_BYTES

SOURCES = ("tagtraum", "lastfm")
"""The folders of lists, the more reliable first: people of tagtraum chose one genre, tags of Last.fm are many."""
SPECIFIC_FIRST = (Genre.METAL, Genre.COUNTRY, Genre.ELECTRONIC, Genre.DANCE, Genre.ROCK, Genre.POP)
"""The first of these wins among genres with as many votes: the more specific one."""
IDS = "cleansed_ids.txt"
_MSD_ID = re.compile(r"TR[A-Z]{5}[0-9A-F]{11}")
_LIST = re.compile(r"id_list_(\w+)\.txt", re.IGNORECASE)


class Labels(NamedTuple):
    """The votes that the lists hold."""

    votes: dict[str, dict[str, tuple[Genre, ...]]]
    """The votes by source and by the Million Song Dataset's id."""
    msd_ids: dict[str, tuple[str, ...]]
    """The ids of all songs that a file was matched to, by md5, where ``cleansed_ids.txt`` lies beside the lists."""

    def genre_of(self, name: str, msd_ids: Iterable[str]) -> Genre | None:
        """The genre with the most votes of the first source that has any, or None."""
        ids = sorted({*msd_ids, *self.msd_ids.get(name, ())} - {""})
        for source in SOURCES:
            votes = Counter(genre for msd_id in ids for genre in self.votes[source].get(msd_id, ()))
            if votes:
                return max(SPECIFIC_FIRST, key=lambda genre: votes[genre])  # of equals the first
        return None


NO_LABELS = Labels({source: {} for source in SOURCES}, {})


def read_labels(folder: Path) -> Labels:
    """Read ``tagtraum/id_list_Rock.txt``, ``lastfm/id_list_rock.txt`` and so on, of the six genres.

    Raises
    ------
    CmtError
        If the folder is missing or has no such lists.
    """
    votes: dict[str, dict[str, tuple[Genre, ...]]] = {source: {} for source in SOURCES}
    try:
        for source in SOURCES:
            for path in sorted(folder.glob(f"{source}/*.txt")):
                found = _LIST.fullmatch(path.name)
                genre = Genre.__members__.get(found[1].upper()) if found else None
                if genre is not None:
                    for msd_id in _MSD_ID.findall(_text(path)):
                        votes[source][msd_id] = (*votes[source].get(msd_id, ()), genre)
        msd_ids: dict[str, tuple[str, ...]] = {}
        if os.path.lexists(folder / IDS):
            for line in _text(folder / IDS).splitlines():
                md5, _, msd_id = line.strip().partition(" ")
                msd_ids[md5] = (*msd_ids.get(md5, ()), msd_id.strip())
    except OSError as error:
        raise CmtError(f"{folder}: cannot be read ({error.strerror}); check the path of the genre lists") from None
    if not any(votes.values()):
        raise CmtError(
            f"{folder}: no genre lists; LPD's are files such as tagtraum/id_list_Rock.txt and lastfm/id_list_rock.txt, "
            "with an id such as TRAAAGR128F425B14B in each line"
        )
    return Labels(votes, msd_ids)


def _text(path: Path) -> str:
    return content_of(path, MOST_LIST_BYTES).decode("ascii", errors="replace")
