"""The losses of a run as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from midi_io.whole_file import whole_file


def draw_losses(history: Sequence[Mapping[str, float]], warmup_steps: int, path: Path) -> None:
    """Draw the losses of all sessions of a run over its steps, in nats a word.

    Parameters
    ----------
    history
        A row for each validation, as `cmt.training.run_folder.Progress.history` has them; one or more.
    warmup_steps
        The steps over which the rate rises; they are shaded.
    path
        The file; its suffix is the format.

    Raises
    ------
    CmtError
        If the file cannot be written.
    """
    from matplotlib.figure import Figure

    steps = [row["step"] for row in history]
    figure = Figure(figsize=(11, 4.5))
    # Not by matplotlib's own layout, which draws everything twice more: there is a picture for each checkpoint.
    figure.subplots_adjust(left=0.07, right=0.98, bottom=0.12, top=0.92, wspace=0.2)
    total, attributes = figure.subplots(1, 2)
    for axes in (total, attributes):
        axes.axvspan(0, min(warmup_steps, steps[-1]), color="#d9dee3", alpha=0.6, lw=0, label="warm-up")
        axes.set(xlabel="step", ylabel="nats a word", xlim=(0, steps[-1]))
        axes.grid(alpha=0.3)
    for name, colour, label in (("train_total", "#edae49", "learnt from"), ("val_total", "#30638e", "held out")):
        total.plot(steps, [row[name] for row in history], "o-", color=colour, label=label, markersize=3)
    best = min(history, key=lambda row: row["val_total"])
    total.plot(best["step"], best["val_total"], "*", color="#d1495b", markersize=11)
    total.set_title(f"all attributes; lowest held out {best['val_total']:.3f} at step {best['step']:g}")
    names = [name for name in history[-1] if name.startswith("val_") and name not in ("val_total", "val_note")]
    for name in names:
        attributes.plot(steps, [row[name] for row in history], "o-", label=name.removeprefix("val_"), markersize=3)
    attributes.set_title("held out, by attribute")
    for axes in (total, attributes):
        axes.legend(frameon=False, fontsize="small")
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, dpi=100)
