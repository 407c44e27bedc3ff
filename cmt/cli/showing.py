"""What `cmt generate` prints of a soundtrack that was made."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase
from typing import TYPE_CHECKING

import click

from cmt.cli.flags import with_flags
from cmt.cli.like import print_like
from cmt.cli.options import FREE, is_verbose
from cmt.cli.saying import say
from cmt.cli.wording import grid_in_words, pictures_in_words, print_hits
from cmt.film.ducking import gain_under
from cmt.machine.plural import count
from midi_io.general_midi import sound_name
from midi_io.song import Instrument

if TYPE_CHECKING:
    from cmt.report.parts import Take
    from cmt.report.report import Report
    from cmt.report.speech import Speech
    from cmt.soundtrack.delivering import Soundtrack

SECTIONS = "--section"
"""The option that gives sections; a report names it as their source."""
CHORDS_SHOWN = 8
"""The chords of so many bars are printed."""


def show_soundtrack(soundtrack: Soundtrack, quiet: bool, n_other: int = 0, *, is_usual: bool = False) -> None:
    """Print warnings, and unless `quiet` what was made.

    Parameters
    ----------
    n_other
        The number of files that were passed over.
    is_usual
        Whether nobody said how long pictures are shown.
    """
    for warning in soundtrack.report.warnings:
        say(f"warning: {with_flags(warning)}", err=True)
    for note in soundtrack.notes:
        say(f"note: {with_flags(note)}", err=True)
    if not quiet:
        _print_soundtrack(soundtrack, n_other, is_usual=is_usual)


def _print_soundtrack(soundtrack: Soundtrack, n_other: int, *, is_usual: bool) -> None:
    """Print what was made; `is_usual` is whether nobody said how long pictures are shown, `n_other` passed over."""
    report = soundtrack.report
    if report.pictures:
        say(f"pictures {pictures_in_words(report.pictures, n_other, is_usual=is_usual)}")
    elif report.picture is not None:
        beats, cuts = len(report.picture.visual_beats), len(report.picture.cuts)
        say(f"video    {report.duration:.2f} s, {count(beats, 'visual beat')}, {count(cuts, 'cut')}")
    genre = "any genre" if report.genre is None else report.genre.label
    instruments = ", ".join(instrument.label for instrument in report.instruments)
    say(f"music    {grid_in_words(report.grid)}, {report.key}, {genre}, {instruments}")
    say(f"band     {_band_in_words(report)}")
    if report.form:
        say(f"form     {_form_in_words(report)}")
    if report.picture is not None or report.markers:
        print_hits(report.grid.hits)
    print_like(report)
    _print_orders(report)
    _print_sound(report)
    if report.speech is not None:
        say(f"speech   {_speech_in_words(report.speech, report.duration)}")
    _print_takes(report.takes)
    stages = {name: seconds for name, seconds in report.stages.items() if seconds >= 0.05}
    total = sum(report.stages.values())
    say(f"took     {total:.1f} s: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in stages.items()))
    for file in soundtrack.files:
        say(f"wrote    {file}")


def _band_in_words(report: Report) -> str:
    """``jazz kit, acoustic grand piano, overdriven guitar (left and right)``."""
    sounds = (sound_name(voice.program, voice.instrument is Instrument.DRUMS) for voice in report.band)
    both = (" (left and right)" if voice.doubled else "" for voice in report.band)
    return ", ".join(f"{sound}{sides}" for sound, sides in zip(sounds, both, strict=True))


def _form_in_words(report: Report) -> str:
    """``A 4, B 8, A 4 bars; chords C, G, Am, F ...``."""
    ends = [*(section.bar for section in report.form[1:]), report.grid.n_bar]
    lengths = (f"{section.name} {end - section.bar}" for section, end in zip(report.form, ends, strict=True))
    shown = ", ".join(" ".join(bar) for bar in report.chords[:CHORDS_SHOWN])
    more = " ..." if len(report.chords) > CHORDS_SHOWN else ""
    bars = "bar" if report.grid.n_bar == 1 else "bars"
    return f"{', '.join(lengths)} {bars}; chords {shown}{more}"


def _print_orders(report: Report) -> None:
    """What the picture ordered, what the energy, what is muted."""
    bars = list(zip(report.asked.density, report.obtained.density, report.energy_per_bar, strict=True))
    by_picture = [asked == obtained for asked, obtained, energy in bars if asked is not None and energy is None]
    by_energy = [asked == obtained for asked, obtained, energy in bars if energy is not None]
    n_bar = count(report.grid.n_bar, "bar")
    if report.picture is not None:
        accents = count(len({(order.bar, order.position) for order in report.asked.strengths}), "accent")
        say(
            f"control  {report.config.control:g}: the picture sets the density of {len(by_picture)} of {n_bar}"
            f"{_exact(by_picture)}, {accents} on visual beats"
        )
    if report.energy is not None:
        say(
            f"energy   {len(by_energy)} of {n_bar} with a density of your own"
            f"{_exact(by_energy)}: {_energy_in_words(report, report.energy.source)}"
        )
    if report.mutes:
        spans = (f"{mute.instrument.label} {mute.begin:g} to {mute.end:g} s" for mute in report.mutes)
        say(f"muted    {', '.join(spans)}")


def _exact(bars: Sequence[bool]) -> str:
    """In how many bars what was asked is there to the digit, with --verbose."""
    return f" ({sum(bars)} exact)" if is_verbose() else ""


def _energy_in_words(report: Report, source: str) -> str:
    """Where sections begin to be heard, ``0.05 from bar 1 (0.00 s), 0.9 from bar 7 (12.31 s)``; a curve's range."""
    energies = report.energy_per_bar
    known = [energy for energy in energies if energy is not None]
    if source != SECTIONS:
        return f"{source}, {min(known):.2g} to {max(known):.2g}" if known else "none"
    return ", ".join(
        f"{FREE if energy is None else format(energy, '.2g')} from bar {bar + 1} ({report.grid.bar_borders[bar]:.2f} s)"
        for bar, energy in enumerate(energies)
        if bar == 0 or energy != energies[bar - 1]
    )


def _speech_in_words(speech: Speech, duration: float) -> str:
    """``3 spans, 12.4 of 40.0 s; music 14 dB down under them, -16.2 LUFS``."""
    if not speech.spans:
        return "none in the video's own sound"
    seconds = sum(end - begin for begin, end in speech.spans)
    found = f"{count(len(speech.spans), 'span')}, {seconds:.1f} of {duration:.1f} s"
    calm = f"; music calm in {count(len(speech.calm_bars), 'bar')}" if speech.calm_bars else ""
    if not speech.curve:
        return found + calm
    down = -gain_under(speech.curve, speech.spans)
    return f"{found}; music {down:.0f} dB down under them{calm.replace('; music', ',')}, {speech.loudness:.1f} LUFS"


def _print_sound(report: Report) -> None:
    """What became of the sound of the film."""
    if report.picture is None or report.pictures or report.soundfont is None:
        return
    if report.original_audio == "mix":
        say("sound    the video's own sound is kept, with the music (--original-audio drop leaves it out)")
    elif report.original_audio == "keep":
        say("sound    the video's own sound is kept, as a second track after the music")
    elif click.get_current_context().params.get("original_audio") == "drop":
        say("sound    the video's own sound, if it has any, is left out")


def _print_takes(takes: Sequence[Take]) -> None:
    """A line for each: ``take A   seed 1: keeps 94% of what was asked; like real songs; mood near; chosen``.

    One alone, which is made again, has no letter: it may be any of those that were written.
    """
    is_alone = len(takes) == 1
    for rank, take in enumerate(takes):
        name = "" if is_alone else ascii_uppercase[rank] if rank < len(ascii_uppercase) else str(rank + 1)
        said = [take.reason or f"score {take.score:.2f}", *(["chosen"] if rank == 0 and not is_alone else [])]
        said += [f"seed {one.seed} was rejected: {', '.join(one.rejected)}" for one in take.replaced]
        say(f"take {name:<4}seed {take.seed}: {'; '.join(said)}")
