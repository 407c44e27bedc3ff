"""Values of every kind in files of options and descriptions: each is taken as it is meant or refused in one line."""

import pytest
from click.testing import CliRunner

from cmt.cli import main
from cmt.cli.train import train
from cmt.errors import CmtError
from cmt.meaning.description import FIELDS
from cmt.meaning.file import read_description

VALUES = (
    *("[]", "[1, 2]", '["a", 1]', "[[[1]]]", "{}", "{a = 1}", "2020-01-01", "10:20:30", "1979-05-27T07:32:00Z"),
    *("nan", "inf", "-inf", "-1", "-0.5", "1.5", "1e300", "9" * 400, "-" + "9" * 400, "0xff", "true"),
    *('""', '" "', '"a\\u0000b"', '"\\u001b[31m"', '"x"', '"' + "x" * 1000 + '"', "[" * 99 + "]" * 99),
)


def refused(*command):
    result = CliRunner().invoke(main, [str(word) for word in command])
    assert isinstance(result.exception, SystemExit)
    (line,) = result.stderr.splitlines()
    assert result.exit_code in (1, 2)
    return line


@pytest.mark.parametrize("option", [one.name for one in train.params if one.name not in ("config", "help", "corpora")])
def test_a_value_of_any_kind_for_an_option_of_a_training_is_one_line(option, tmp_path):
    file = tmp_path / "run.toml"
    key = "output" if option == "run" else option
    for value in VALUES:
        file.write_text(f"{key} = {value}\n")
        # What is taken is refused in the next line of the file.
        file.write_text(f"{file.read_text()}nothing = 1\n")
        assert refused("train", "--config", file).startswith(f"cmt: {file}: ")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("steps", value) for value in ("1.5", "nan", "inf", "-1", "0")),
        *(("patience", value) for value in ("-0.5", "0.5")),
        *(("learning_rate", value) for value in ("nan", "inf", "1e400", "0")),
        *((share, "nan") for share in ("decay_share", "average", "joined_share", "splice_share", "minutes")),
        *(("threads", value) for value in ("1025", str(2**63), "9" * 400)),
        *(("seed", value) for value in (str(2**32), "9" * 400)),
    ],
)
def test_a_number_that_cannot_be_meant_is_refused(option, value, tmp_path):
    (tmp_path / "run.toml").write_text(f"{option} = {value}\n")
    assert f"run.toml: {option}: " in refused("train", "--config", tmp_path / "run.toml")


def test_one_option_in_both_spellings_is_refused(tmp_path):
    (tmp_path / "run.toml").write_text("words_per_step = 64\nwords-per-step = 128\n")
    assert "'words-per-step' stands there twice" in refused("train", "--config", tmp_path / "run.toml")


@pytest.mark.parametrize("command", [("train", "--learning-rate"), ("prepare", "--validation"), ("app", "--minutes")])
def test_no_number_is_no_number_on_the_command_line_either(command):
    assert "nan is no number that could be meant" in refused(*command, "nan")


@pytest.mark.parametrize("field", FIELDS)
def test_a_value_of_any_kind_in_a_description_is_taken_or_refused_in_one_line(field, tmp_path):
    from cmt.meaning.wishing import described_wishes
    from cmt.planning.wishes import Wishes

    file = tmp_path / "a.toml"
    for value in VALUES:
        file.write_text(f"{field} = {value}\n")
        reason = ""
        try:
            described_wishes(read_description(file), Wishes())
        except CmtError as error:
            reason = str(error)
        assert not reason or (str(file) in reason and "\n" not in reason)


def test_a_number_of_thousands_of_digits_is_said_without_a_wrong_line(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text(f"tempo = {'9' * 5000}\nliveliness = 0.5\n")
    for line in (refused("generate", "--describe", file), refused("train", "--config", file)):
        assert line.startswith(f"cmt: {file}: is no TOML (Exceeds the limit (4300 digits)") and "use sys" not in line
