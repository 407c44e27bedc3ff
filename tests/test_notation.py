"""Words and lead sheets as text: what is written is read back the same, and what cannot be read is named."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import songs

from cmt.music.encoding import Words, encode
from cmt.music.lead_sheet import LeadSheet, empty_sheet
from cmt.music.notation import bars_of_words, joined_words, sheet_as_text, sheet_of_text, words_as_text, words_of_text
from cmt.music.words import Mode


def same(one: Words, other: Words) -> bool:
    return np.array_equal(one.fields, other.fields)


@given(songs())
def test_words_are_read_as_they_were_written(song):
    words = encode(song)
    assert same(words_of_text(words_as_text(words)), words)
    joined = joined_words(bars_of_words(words))
    assert same(joined, words) and np.array_equal(joined.positions, words.positions)


@given(songs(), st.sets(st.sampled_from(["density", "strength"])))
def test_words_of_a_model_without_density_or_strength_are_too(song, left_out):
    words = encode(song)
    for name in left_out:
        words.fields[:, words_column(name)] = 0
    assert same(words_of_text(words_as_text(words), sorted(left_out)), words)


def words_column(name: str) -> int:
    return ["type", "position", "density", "strength", "instrument", "pitch", "duration"].index(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 bass", "no stroke '0 bass'; write such as 0 bass 40:4"),
        ("0 bass 40; 0 drums 36", "its strokes are not in order"),
        ("0 bass 40; 0 bass 41", "its strokes are not in order"),
        ("16 bass 40", "'16' must be a whole number from 0 to 15"),
        ("0 bass 40:65", "'65' must be a whole number from 1 to 64"),
        ("0 bass 40:", "'' must be a whole number from 1 to 64"),
        ("0 bass -1", "'-1' must be a whole number from 0 to 127"),
        ("0 piano " + " ".join(map(str, range(17))), "pitches must rise and be 16 at most"),
    ],
)
def test_bars_that_cannot_be_read_are_named(text, message):
    with pytest.raises(ValueError, match=rf"^bar 2: {message}"):
        words_of_text(["", text])


def random_sheet(seed: int, n_bar: int = 6) -> LeadSheet:
    rng = np.random.default_rng(seed)
    return replace(
        empty_sheet(n_bar),
        chords=rng.integers(-1, 90, 2 * n_bar),
        lags=rng.integers(0, np.arange(n_bar) + 1),
        exact=rng.integers(-1, 32, n_bar),
        begins=rng.random(n_bar) < 0.5,
        letters=rng.integers(-1, 8, n_bar),
        players=rng.integers(-1, 32, n_bar),
        kit=rng.integers(-1, 32, n_bar),
        energy=rng.integers(-1, 5, n_bar),
        mode=Mode.MINOR,
    )


@pytest.mark.parametrize("seed", range(30))
def test_lead_sheets_are_read_as_they_were_written(seed):
    sheet = random_sheet(seed)
    read = sheet_of_text(sheet_as_text(sheet), Mode.MINOR)
    for name in ("chords", "lags", "exact", "begins", "letters", "players", "kit", "energy"):
        assert np.array_equal(getattr(read, name), getattr(sheet, name)), name
    assert (read.mode, read.accents) == (Mode.MINOR, None)


BAR = "section=A chords=C players=- kit=- energy=0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "chords, energy, kit, players, section: not known, or missing"),
        (f"{BAR} tempo=3", "tempo: not known, or missing"),
        (BAR.replace("=A", "=Z"), "no section 'Z'"),
        (BAR.replace("=C", "=C,G,F"), "3 chords"),
        (BAR.replace("=C", "=H"), "no chord 'H'"),
        (BAR.replace("kit=-", "kit=gong"), "'gong': not all of kick, snare, tick, crash, fill"),
        (BAR.replace("energy=0", "energy=5"), "'5' must be a whole number from 0 to 4"),
        (f"{BAR} repeats=2", "'2' must be a whole number from 0 to 1"),
    ],
)
def test_bars_of_lead_sheets_that_cannot_be_read_are_named(text, message):
    with pytest.raises(ValueError, match=rf"^bar 2 of the lead sheet: {message}"):
        sheet_of_text([BAR, text], None)
