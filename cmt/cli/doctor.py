"""`cmt doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cmt.cli.flags import with_flags
from cmt.cli.options import FILE, soundfont_option
from cmt.cli.saying import say
from cmt.soundtrack.checkup import Finding, examine

# Without these --midi-only still works.
_OF_SOUND = frozenset({"FluidSynth", "SoundFont", "trial note", "sound encoder"})


@click.command()
@click.option("-o", "--output", type=FILE, default=Path("out"), show_default=True, help="Folder to try.")
@soundfont_option("SoundFont to try. Else $CMT_SOUNDFONT, or the one that comes with cmt.")
@click.option("--checkpoint", type=FILE, help="Model of your own to try.")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON on stdout.")
def doctor(output: Path, soundfont: Path | None, checkpoint: Path | None, as_json: bool) -> None:
    """Say what is found, what is missing, and the command that mends it.

    The exit code is 1 if cmt generate would fail. What only other commands need is a warning.
    """
    findings = []
    for finding in examine(output, soundfont, checkpoint):
        findings.append(finding)
        if not as_json:
            say(f"{finding.state:8} {finding.subject:22} {with_flags(finding.text)}")
    missing = [finding for finding in findings if finding.state == "missing"]
    if as_json:
        say(json.dumps(_as_json(findings), indent=1))
    else:
        say(_conclusion(missing))
    if missing:
        click.get_current_context().exit(1)


def _as_json(findings: list[Finding]) -> dict[str, object]:
    return {
        "ready": all(finding.state != "missing" for finding in findings),
        "findings": [
            {"subject": finding.subject, "state": finding.state, "text": with_flags(finding.text)}
            for finding in findings
        ],
    }


def _conclusion(missing: list[Finding]) -> str:
    if not missing:
        return "cmt generate has all that it needs"
    names = ", ".join(finding.subject for finding in missing)
    only_sound = all(finding.subject in _OF_SOUND for finding in missing)
    return f"cmt generate will fail: {names}" + ("; with --midi-only it works" if only_sound else "")
