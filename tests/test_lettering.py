"""Names of files above pictures."""

import warnings

import pytest
from matplotlib.figure import Figure

from cmt.soundtrack.lettering import write_title


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("café $5", "café $5"),
        ("$\\frac{$", "$\\frac{$"),  # for matplotlib a formula, and a wrong one
        ("日本", "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"),
        ("b\udcff", "b?"),
        ("a\x1b[2J", "a?[2J"),
    ],
)
def test_any_name_can_be_drawn_without_a_word_of_the_library(name, shown, tmp_path):
    figure = Figure()
    axes = figure.subplots()
    write_title(axes, name, "1.00 s")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(tmp_path / "a.png")
    assert axes.get_title() == f"{shown}: 1.00 s"
