"""The network in 8 bits by onnxruntime: near the one in 32 bits, and as independent of what is written beside."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from networks import TINY, network

from cmt.cli import main
from cmt.config import GenerateConfig
from cmt.errors import CmtError, MissingLibraryError
from cmt.music.words import FIELD_SIZES, INITIAL_SIZES, CompoundWord, InitialWords
from cmt.network.checkpoint import load_checkpoint, save_checkpoint
from cmt.network.decoder import Decoder
from cmt.network.layers import LayerStack
from cmt.network.quantized import QuantizedLayers
from cmt.network.weights import shapes_of_layers
from cmt.planning.redo import parse_redo
from cmt.planning.wishes import Wishes
from cmt.soundtrack.again import Changes, make_again
from cmt.soundtrack.batch import Settings, make_soundtracks
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from cmt.soundtrack.sampling import SampleWishes, sample_songs
from cmt.training.model import weights_of
from cmt.writing.pieces import HEARD_BARS, PieceRequest, write_pieces
from midi_io import read_midi
from midi_io.song import Timeline

onnxruntime = pytest.importorskip("onnxruntime")

EIGHT = GenerateConfig(seed=3, int8=True)
MIDI_ONLY = Output(midi_only=True)
N_ROW = 3


@pytest.fixture(scope="module")
def shipped():
    return load_checkpoint().decoder


@pytest.fixture(scope="module")
def quantized(shipped):
    return shipped.quantized()


def heard(decoder, rows, n_word=60, keep=None):
    """The hidden vectors (word, row, d_model) of words at random, which are the same for each row whatever others."""
    rng = np.random.default_rng(0)
    initials = [InitialWords(*rng.integers(INITIAL_SIZES).tolist()) for _ in range(N_ROW)]
    state = decoder.new_state(len(rows))
    hidden = [decoder.start([initials[row] for row in rows], state)]
    for n in range(n_word):
        words = [CompoundWord(*rng.integers(FIELD_SIZES).tolist()) for _ in range(N_ROW)]
        if n == n_word // 2 and keep is not None:
            state.keep([rows.index(row) for row in keep])
            rows = keep
        n_row = len(rows)
        hidden.append(decoder.step([words[row] for row in rows], [n // 4] * n_row, [n // 2] * n_row, state))
    return hidden


def test_its_vectors_are_near_those_of_32_bits(shipped, quantized):
    exact, ours = (np.stack(heard(decoder, range(N_ROW), 200)) for decoder in (shipped, quantized))
    far = np.linalg.norm(ours - exact, axis=-1) / np.linalg.norm(exact, axis=-1)
    assert np.median(far) < 0.03 and far.max() < 0.15
    assert quantized.n_bytes == shipped.n_bytes // 4 - sum(
        matrix.shape[1] for layer in shipped._stack.layers for matrix in layer.matrices
    )


def test_a_row_is_the_same_alone_and_beside_others(quantized):
    together = np.stack(heard(quantized, range(N_ROW)))
    for row in range(N_ROW):
        assert np.array_equal(together[:, row], np.stack(heard(quantized, [row]))[:, 0])


@pytest.mark.parametrize(("d_model", "n_head", "d_feed_forward"), [(24, 3, 56), (35, 7, 71), (18, 1, 9)])
def test_odd_widths_and_many_rows_make_no_difference(d_model, n_head, d_feed_forward):
    config = replace(TINY, d_model=d_model, n_head=n_head, d_feed_forward=d_feed_forward)
    rng = np.random.default_rng(0)
    weights = {
        name: (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)
        for name, shape in shapes_of_layers(config).items()
    }
    layers = QuantizedLayers(LayerStack(config, weights))
    together, alone = layers.new_state(16), layers.new_state(1)
    for _ in range(20):
        x = rng.standard_normal((16, d_model)).astype(np.float32)
        assert np.array_equal(layers.through(x, together)[5], layers.through(x[5:6], alone)[0])


def test_vectors_of_zeros_are_numbers_too():
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes_of_layers(TINY).items()}
    layers = QuantizedLayers(LayerStack(TINY, weights))
    state = layers.new_state(1)
    for _ in range(3):
        assert np.array_equal(layers.through(np.zeros((1, TINY.d_model), np.float32), state), np.zeros((1, 128)))


def test_rows_that_are_kept_go_on_as_before(quantized):
    whole, fewer = heard(quantized, [0, 1, 2]), heard(quantized, [0, 1, 2], keep=[2, 0])
    assert np.array_equal(fewer[-1], whole[-1][[2, 0]])


def test_rows_that_are_put_know_what_others_heard(quantized):
    layers, rng = quantized._layers, np.random.default_rng(0)
    words = rng.standard_normal((12, N_ROW, quantized.config.d_model)).astype(np.float32)
    state, other = layers.new_state(N_ROW), layers.new_state(2)
    for x in words[:5]:
        layers.through(x, state)
    for x in words[5:8]:
        layers.through(x[:2], other)
    state.put([2, 0], other)
    for x in words[8:]:
        mine, its = layers.through(x, state), layers.through(x[[2, 0]], other)
        assert np.array_equal(mine[[2, 0]], its)


@pytest.mark.slow
def test_takes_beside_each_other_are_takes_alone_even_where_the_network_forgets(monkeypatch):
    monkeypatch.setattr("cmt.writing.pieces.HEARD_BARS", HEARD_BARS // 2)
    decoder = Decoder(TINY, weights_of(network("chained and normalised first"))).quantized()
    request = PieceRequest(Timeline.steady(120.0, 16 * (HEARD_BARS // 2 + 2)))

    def written(*seeds):
        return [piece.words for piece in write_pieces(decoder, request, [{}] * len(seeds), EIGHT, seeds)]

    for alone, beside in zip([*written(1), *written(2)], written(1, 2), strict=True):
        assert np.array_equal(alone.fields, beside.fields) and np.array_equal(alone.positions, beside.positions)


def test_a_network_that_normalises_behind_its_layers_is_refused():
    model = network("as in the paper")
    with pytest.raises(CmtError, match=r"^`checkpoint`: it normalises behind its layers, and `int8` is for networks"):
        Decoder(model.config, weights_of(model)).quantized()


@pytest.fixture(scope="module")
def made(checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    wishes = Wishes(bars=6, tempo=120.0)
    make_soundtrack(None, folder, wishes, EIGHT, output=MIDI_ONLY, name="song", checkpoint=checkpoint)
    return folder


def test_the_report_says_how_it_was_computed(made, checkpoint, tmp_path):
    report = json.loads((made / "song.json").read_text())
    assert report["int8"] is True
    assert report["versions"]["onnxruntime"] == onnxruntime.__version__
    plain = make_soundtrack(
        None, tmp_path, Wishes(bars=6), replace(EIGHT, int8=False), output=MIDI_ONLY, checkpoint=checkpoint
    )
    assert not plain.report.config.int8 and "onnxruntime" not in plain.report.versions


def test_the_same_seed_writes_the_same_piece(made, checkpoint, tmp_path):
    options = ["--bars", "6", "--tempo", "120", "--seed", "3", "--takes", "1", "--midi-only", "--int8", "-q"]
    arguments = [*options, "--name", "song", "--checkpoint", str(checkpoint), "-o", str(tmp_path)]
    result = CliRunner().invoke(main, ["generate", *arguments])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "song.mid").read_bytes() == (made / "song.mid").read_bytes()


def test_bars_are_written_anew_as_the_take_was_unless_it_is_said(made, checkpoint, tmp_path):
    redo = (parse_redo("3-4"),)
    as_it_was = make_again(made / "song.json", tmp_path, Changes(redo=redo), checkpoint=checkpoint)
    otherwise = make_again(made / "song.json", tmp_path, Changes(redo=redo, int8=False), checkpoint=checkpoint)
    assert [made.report.kept.redone[0].int8 for made in (as_it_was, otherwise)] == [True, False]
    assert all(made.report.config.int8 for made in (as_it_was, otherwise))  # the other bars


def test_songs_side_by_side_are_those_of_generate(checkpoint, tmp_path):
    sample_songs(2, tmp_path / "songs", SampleWishes(bars=4), EIGHT, checkpoint=checkpoint, reports=True)
    assert json.loads((tmp_path / "songs" / "sample.json").read_text())["int8"] is True
    report = json.loads((tmp_path / "songs" / "0001.json").read_text())
    alone = make_soundtrack(
        None,
        tmp_path,
        Wishes(genre=report["genre"], bars=4, takes=1),
        replace(EIGHT, seed=4),
        output=MIDI_ONLY,
        name="one",
        checkpoint=checkpoint,
    )
    assert read_midi(tmp_path / "songs" / "0001.mid").notes == read_midi(tmp_path / "one.mid").notes
    assert alone.report.config.int8


def test_many_videos_are_another_run_and_refused_before_the_first(tmp_path):
    settings = Settings(tmp_path / "out", Wishes(), GenerateConfig(), output=MIDI_ONLY)
    other = replace(settings, config=GenerateConfig(int8=True))
    assert settings.fingerprint("abc", None) != other.fingerprint("abc", None)
    model = network("as in the paper")
    save_checkpoint(model.config, weights_of(model), tmp_path / "paper.safetensors", {})
    with pytest.raises(CmtError, match="`int8` is for networks"):
        make_soundtracks([tmp_path / "a.mp4"], replace(other, checkpoint=tmp_path / "paper.safetensors"))
    assert not (tmp_path / "out").exists()


def test_without_the_extra_a_take_comes_again_but_no_bar_is_written_anew(made, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # makes the import fail
    make_again(made / "song.json", tmp_path)
    assert (tmp_path / "song.mid").read_bytes() == (made / "song.mid").read_bytes()
    redo = (parse_redo("3-4"),)
    with pytest.raises(MissingLibraryError, match=r"^`int8`, as the take was written, needs onnxruntime, .*\[fast\]'$"):
        make_again(made / "song.json", tmp_path, Changes(redo=redo), checkpoint=checkpoint)
    make_again(made / "song.json", tmp_path, Changes(redo=redo, int8=False), checkpoint=checkpoint)
