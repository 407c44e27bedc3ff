"""The corpus and the pieces cut out of it."""

import itertools
import lzma
from dataclasses import replace

import numpy as np
import pytest
from packs import write_pack

from cmt.config import TrainConfig
from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import Corpus, SongInfo, cut_notes
from cmt.errors import CmtError
from cmt.music.encoding import NoteArrays, Words, decode
from cmt.music.key import estimate_key, home_key
from cmt.music.words import FREE, Genre, Mode, WordType
from cmt.training.dataset import Place, Songs, _pool, batches, draw_example, validation_batches, without_augmentation
from midi_io.song import Instrument, Timeline


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return read_corpus([write_pack(tmp_path_factory.mktemp("pack"))], "train")


def test_a_split_holds_its_own_songs_only(tmp_path):
    pack = write_pack(tmp_path)
    train, held_out = ({song.name for song in read_corpus([pack], split).songs} for split in ("train", "val"))
    assert train and held_out and not train & held_out


def drawn_from(corpus, config, n=50):
    rng, songs, drawn = np.random.default_rng(0), Songs(corpus), []
    config = replace(config, words_per_step=200)  # a small pool; more of them have the same examples
    while len(drawn) < n:
        drawn += _pool(songs, config, rng)
    return drawn[:n]


@pytest.mark.parametrize("shares", [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)], ids=["excerpts", "joined", "spliced"])
def test_every_example_is_a_whole_piece_that_decodes(corpus, shares):
    config = TrainConfig(whole_song_share=0.0, joined_share=shares[0], splice_share=shares[1])
    for example in drawn_from(corpus, config):
        song = song_of(example)
        assert config.min_bars <= song.n_bar <= 24
        assert example.fields[-1, 0] == WordType.END
        assert example.timing[0] == 0 and example.timing[-1] == 100
        assert (np.diff(example.positions) >= 0).all()


def song_of(example):
    words = Words(example.fields, example.positions)
    return decode(words, Timeline.steady(120, int(words.positions[-1])))


def numbered_bars(n_bar, pitch=60):
    """A song whose bar b has one note, of pitch `pitch` + b, that lasts two bars."""
    at = np.arange(n_bar)
    notes = NoteArrays(16 * at, np.full(n_bar, Instrument.PIANO), pitch + at, np.full(n_bar, 32))
    return notes, SongInfo("song", Genre.POP, Mode.MAJOR, 120.0, 0, n_bar)


def corpus_of(*songs):
    notes = NoteArrays(*(np.concatenate(columns) for columns in zip(*(notes for notes, _ in songs), strict=True)))
    return Corpus(tuple(info for _, info in songs), np.cumsum([0, *(info.n_bar for _, info in songs)]), notes)


def bars_of(example):
    """The pitches, bar by bar, and no note rings into what does not follow it."""
    song = song_of(example)
    for note, after in itertools.pairwise(song.notes):
        assert note.duration == 32 if after.pitch == note.pitch + 1 else 16
    return [note.pitch for note in song.notes]


@pytest.mark.slow
def test_a_joined_piece_begins_as_its_song_begins_and_ends_as_it_ends():
    config = TrainConfig(whole_song_share=0.0, joined_share=1.0)
    for example in drawn_from(corpus_of(numbered_bars(22)), config):
        bars = bars_of(example)
        assert bars[0] == 60 and bars[-1] == 81
        jumps = [k for k, (a, b) in enumerate(itertools.pairwise(bars), 1) if b != a + 1]
        assert len(jumps) <= 1
        if len(bars) >= 8:  # the join lies on a border of phrases on both sides
            assert all(k % 4 == 0 and (bars[k] - 60) % 4 == 0 for k in jumps)


@pytest.mark.slow
def test_a_spliced_piece_changes_once_to_a_song_like_it():
    config = TrainConfig(whole_song_share=0.0, joined_share=0.0, splice_share=1.0, min_bars=8)
    low, high = numbered_bars(16, 30), numbered_bars(16, 80)
    slow = numbered_bars(16, 100)
    slow = slow[0], slow[1]._replace(tempo=60.0)
    mixed = 0
    for example in drawn_from(corpus_of(low, high, slow), config, 100):
        pitches = bars_of(example)
        origins = [k for k, _ in itertools.groupby((pitch >= 80) + (pitch >= 100) for pitch in pitches)]
        assert origins in ([0], [1], [2], [0, 1], [1, 0])
        mixed += len(origins) == 2
    assert mixed > 40


def test_songs_are_brought_home(corpus):
    rng = np.random.default_rng(0)
    for index, song in enumerate(corpus.songs):
        notes = corpus.notes_of(index)
        pitched = notes.pitch[notes.instrument != Instrument.DRUMS]
        key = estimate_key(np.bincount(pitched % 12, minlength=12))  # all notes last equally long
        assert (key.tonic + song.semitones_home) % 12 == home_key(key.mode).tonic
        example = draw_example(Songs(corpus), index, TrainConfig(whole_song_share=1.0), rng)
        at_home = [note.pitch for note in song_of(example).notes if note.instrument]
        assert set(at_home) == set((pitched.astype(int) + song.semitones_home).tolist())


@pytest.mark.slow
def test_initial_words_are_left_free_at_the_share_asked_for(corpus):
    drawn = drawn_from(corpus, TrainConfig(free_share=0.3), 1000)
    free = np.mean([example.initial.tempo == FREE for example in drawn])
    assert free == pytest.approx(0.3, abs=0.05)


@pytest.mark.slow
def test_genres_are_balanced(corpus):
    drawn = drawn_from(corpus, TrainConfig(free_share=0.0), 600)
    counts = np.bincount([example.initial.genre for example in drawn])
    assert counts[counts > 0].min() > 0.4 * counts[1:].max()


@pytest.mark.slow
def test_long_pieces_are_cut_at_a_bar(corpus):
    for example in drawn_from(corpus, TrainConfig(max_words=60, whole_song_share=1.0)):
        assert len(example.timing) <= 60
        assert example.fields[0, 1] == 17  # begins with a bar


def test_batches_hold_no_more_words_than_asked_for(corpus):
    config = TrainConfig(words_per_step=500)
    for group, _ in itertools.islice(batches(corpus, config), 30):
        assert max(len(e.timing) for e in group) * len(group) <= 500 or len(group) == 1


@pytest.mark.slow
def test_batches_go_on_from_any_place_as_if_never_stopped(corpus):
    config = TrainConfig(words_per_step=500)
    unbroken = list(itertools.islice(batches(corpus, config), 25))
    for stop in (0, 3, 11, 20):
        resumed = itertools.islice(batches(corpus, config, unbroken[stop][1]), 4)
        for (group, place), (same, same_place) in zip(unbroken[stop + 1 : stop + 5], resumed, strict=True):
            assert place == same_place
            assert all(np.array_equal(a.fields, b.fields) for a, b in zip(group, same, strict=True))


@pytest.mark.slow
def test_processes_read_different_examples(corpus):
    config = TrainConfig(words_per_step=500)
    (first, place), (second, _) = (next(batches(corpus, config, rank=rank)) for rank in (0, 1))
    assert place == Place(0, 1)
    assert [e.initial for e in first] != [e.initial for e in second]


def test_cut_notes_count_from_the_cut_and_leave_drums_alone(corpus):
    whole = corpus.notes_of(0)
    cut = cut_notes(whole, 2, 3, semitones=4)
    inside = (whole.position >= 32) & (whole.position < 80)
    drums = whole.instrument[inside] == Instrument.DRUMS
    assert (cut.position == whole.position[inside] - 32).all()
    assert (cut.pitch[drums] == whole.pitch[inside][drums]).all()
    assert (cut.pitch[~drums] == whole.pitch[inside][~drums] + 4).all()


def test_validation_examples_are_the_same_at_every_call_and_for_every_augmentation(tmp_path):
    held_out = read_corpus([write_pack(tmp_path)], "val")
    config = TrainConfig(validation_words=2000)
    first, *others = (
        [e.fields.tolist() for group in validation_batches(held_out, without_augmentation(each)) for e in group]
        for each in (config, config, replace(config, joined_share=0.8, splice_share=0.2, min_bars=1))
    )
    assert all(other == first for other in others)


def test_a_missing_pack_is_named(tmp_path):
    (tmp_path / "songs_test.json.xz").write_bytes(lzma.compress(b"[]"))
    with pytest.raises(CmtError, match="No such file"):
        read_corpus([tmp_path / "lpd5_16th_test.npz.xz"], "train")


def test_a_pack_without_its_song_list_is_named(tmp_path):
    path = write_pack(tmp_path)
    (tmp_path / "songs_test.json.xz").unlink()
    with pytest.raises(CmtError, match=r"songs_test\.json\.xz is not beside it"):
        read_corpus([path], "train")


@pytest.mark.parametrize("content", [b"", b"not xz at all", lzma.compress(b"not a pack")])
def test_a_broken_pack_is_named(tmp_path, content):
    path = write_pack(tmp_path)
    path.write_bytes(content)
    with pytest.raises(CmtError, match="not a pack of songs"):
        read_corpus([path], "train")


def test_a_pack_with_pickles_inside_is_refused(tmp_path):
    path = write_pack(tmp_path)
    np.savez(tmp_path / "evil.npz", offsets=np.array([{}], dtype=object), dt=1, track=1, pitch=1, dur=1)
    path.write_bytes(lzma.compress((tmp_path / "evil.npz").read_bytes()))
    with pytest.raises(CmtError, match="not a pack of songs"):
        read_corpus([path], "train")
