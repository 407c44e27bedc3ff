"""The corpus and the pieces cut out of it."""

import itertools
import lzma

import numpy as np
import pytest
from packs import write_pack

from cmt.config import TrainConfig
from cmt.corpus import cut_notes, read_packs
from cmt.dataset import batches, draw_example, examples, validation_examples
from cmt.encoding import Words, decode
from cmt.errors import CmtError
from cmt.key import estimate_key, home_key
from cmt.words import FREE, WordType
from midi_io.song import Instrument


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return read_packs([write_pack(tmp_path_factory.mktemp("pack"))], "train")


def test_a_split_holds_its_own_songs_only(tmp_path):
    pack = write_pack(tmp_path)
    train, held_out = ({song.name for song in read_packs([pack], split).songs} for split in ("train", "val"))
    assert train and held_out and not train & held_out


def test_every_example_is_a_whole_piece_that_decodes(corpus):
    config = TrainConfig(whole_song_share=0.0)
    for example in itertools.islice(examples(corpus, config, np.random.default_rng(0)), 50):
        song = decode(Words(example.fields, example.positions), 120)
        assert config.min_bars <= song.n_bar <= 12
        assert example.fields[-1, 0] == WordType.END
        assert example.timing[0] == 0 and example.timing[-1] == 100
        assert (np.diff(example.positions) >= 0).all()


def test_songs_are_brought_home(corpus):
    rng = np.random.default_rng(0)
    for index, song in enumerate(corpus.songs):
        notes = corpus.notes_of(index)
        pitched = notes.pitch[notes.instrument != Instrument.DRUMS]
        key = estimate_key(np.bincount(pitched % 12, minlength=12))  # all notes last equally long
        assert (key.tonic + song.semitones_home) % 12 == home_key(key.mode).tonic
        example = draw_example(corpus, index, TrainConfig(whole_song_share=1.0), rng)
        at_home = [
            note.pitch for note in decode(Words(example.fields, example.positions), 120).notes if note.instrument
        ]
        assert set(at_home) == set((pitched.astype(int) + song.semitones_home).tolist())


def test_initial_words_are_left_free_at_the_share_asked_for(corpus):
    drawn = list(itertools.islice(examples(corpus, TrainConfig(free_share=0.3), np.random.default_rng(0)), 1000))
    free = np.mean([example.initial.tempo == FREE for example in drawn])
    assert free == pytest.approx(0.3, abs=0.05)


def test_genres_are_balanced(corpus):
    drawn = list(itertools.islice(examples(corpus, TrainConfig(free_share=0.0), np.random.default_rng(0)), 600))
    counts = np.bincount([example.initial.genre for example in drawn])
    assert counts[counts > 0].min() > 0.4 * counts[1:].max()


def test_long_pieces_are_cut_at_a_bar(corpus):
    config = TrainConfig(max_words=60, whole_song_share=1.0)
    for example in itertools.islice(examples(corpus, config, np.random.default_rng(0)), 50):
        assert len(example.timing) <= 60
        assert example.fields[0, 1] == 17  # begins with a bar


def test_batches_hold_no_more_words_than_asked_for_and_lose_no_example(corpus):
    config = TrainConfig(words_per_step=2000)
    groups = list(itertools.islice(batches(examples(corpus, config, np.random.default_rng(0)), 2000), 30))
    for group in groups:
        assert max(len(e.timing) for e in group) * len(group) <= 2000 or len(group) == 1


def test_cut_notes_count_from_the_cut_and_leave_drums_alone(corpus):
    whole = corpus.notes_of(0)
    cut = cut_notes(whole, 2, 3, semitones=4)
    inside = (whole.position >= 32) & (whole.position < 80)
    drums = whole.instrument[inside] == Instrument.DRUMS
    assert (cut.position == whole.position[inside] - 32).all()
    assert (cut.pitch[drums] == whole.pitch[inside][drums]).all()
    assert (cut.pitch[~drums] == whole.pitch[inside][~drums] + 4).all()


def test_validation_examples_are_the_same_at_every_call(tmp_path):
    held_out = read_packs([write_pack(tmp_path)], "val")
    config = TrainConfig(validation_words=2000)
    first, second = validation_examples(held_out, config), validation_examples(held_out, config)
    assert [e.initial for e in first] == [e.initial for e in second]


def test_a_missing_pack_is_named(tmp_path):
    (tmp_path / "songs_test.json.xz").write_bytes(lzma.compress(b"[]"))
    with pytest.raises(CmtError, match="no such file"):
        read_packs([tmp_path / "lpd5_16th_test.npz.xz"], "train")


def test_a_pack_without_its_song_list_is_named(tmp_path):
    path = write_pack(tmp_path)
    (tmp_path / "songs_test.json.xz").unlink()
    with pytest.raises(CmtError, match="songs_test.json.xz is not beside it"):
        read_packs([path], "train")


@pytest.mark.parametrize("content", [b"", b"not xz at all", lzma.compress(b"not a pack")])
def test_a_broken_pack_is_named(tmp_path, content):
    path = write_pack(tmp_path)
    path.write_bytes(content)
    with pytest.raises(CmtError, match="not a pack of songs"):
        read_packs([path], "train")


def test_a_pack_with_pickles_inside_is_refused(tmp_path):
    path = write_pack(tmp_path)
    np.savez(tmp_path / "evil.npz", offsets=np.array([{}], dtype=object), dt=1, track=1, pitch=1, dur=1)
    path.write_bytes(lzma.compress((tmp_path / "evil.npz").read_bytes()))
    with pytest.raises(CmtError, match="not a pack of songs"):
        read_packs([path], "train")
