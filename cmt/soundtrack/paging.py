"""The page of a run: which sound and film go into it, made while other files are."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from pathlib import Path

from cmt.film.ducking import Mixer
from cmt.film.embedded import BIT_RATE, embedded_picture, embedded_sound, sound_of_file
from cmt.film.sound import film_sound, fitted
from cmt.handover.markers import SUFFIXES as MARKER_SUFFIXES
from cmt.page.content import Shown, ShownTake
from cmt.page.page import Media, write_page
from cmt.planning.plan import Plan
from cmt.planning.redo import Anew, bars_anew, parse_redo
from cmt.report.report import Report
from cmt.soundtrack.handing import ORIGIN_SUFFIX, finish_of
from cmt.soundtrack.output import Output
from cmt.soundtrack.sounding import Sounding
from cmt.soundtrack.source import Source
from midi_io import Performance
from midi_io.audio_file import stem_path
from midi_io.rendering import long_sound_of
from midi_io.samples import Samples

MOST_PICTURE = 24_000_000
"""The picture of a film is in the page if it has no more bytes..."""
MOST_SOUND = 24_000_000
"""...and of the takes' sounds and the stems as many as have no more together."""
MOST_STEM_SECONDS = 300.0
"""Stems of a longer piece are not: a browser that plays them holds them decoded, 20 MB a minute each."""
_RATES = (44_100, 48_000)


class Paging:
    """The page of one run."""

    def __init__(
        self,
        takes: Sequence[tuple[Performance, Report]],
        plan: Plan,
        output: Output,
        font: Path | None,
        beside: Executor,
        scratch: Path,
        *,
        film: Path | None = None,
        mixer: Mixer | None = None,
        sounding: Sounding | None = None,
    ) -> None:
        """Begin with the sound of the other takes, which nobody else makes, in `beside`; the best one is the first.

        Parameters
        ----------
        font
            The SoundFont; None makes no sound.
        scratch
            The folder in which long sound lies meanwhile, in files without names.
        film, mixer
            The video whose own sound all takes are mixed with, and what mixes them; None leaves it out.
        sounding
            The sounds beside the music.
        """
        self._film, self._mixer, self._sounding = film, mixer, sounding
        self._scratch = scratch
        self._own: Samples | None = None
        self._is_read = False
        self._takes, self._plan, self._output, self._font = takes, plan, output, font
        self._rate = next((rate for rate in _RATES if output.sample_rate % rate == 0), _RATES[0])
        self._duration = plan.timeline.duration
        self._room = int(MOST_SOUND // max(1.0, self._duration * BIT_RATE / 8))
        """So many sounds may be in the page."""
        has_sound = output.page and font is not None
        others = takes[1 : max(1, self._room)] if has_sound else ()
        self._others: list[Future[bytes]] = [beside.submit(self._played, *take) for take in others]

    def write(self, report: Report, source: Source, title: str, folder: Path, name: str) -> None:
        """Write the page to `folder`, beside the files of the run that are there already.

        Parameters
        ----------
        report
            The whole report on the best take.
        title
            What the music is for.
        name
            What the files are called, without a suffix.
        """
        output = self._output
        sound = folder / f"{name}.{output.format}" if self._font is not None else None
        film: Path | None = folder / f"{name}.mp4"
        if film is not None and not film.exists():
            film = source.film if isinstance(source.film, Path) else None
        is_mixed = output.original_audio == "mix" and film is not None and sound is not None
        sounds: list[bytes | None] = []
        if sound is not None and self._room:
            sounds.append(self._read(film if is_mixed and film is not None else sound))
        sounds += [other.result() for other in self._others]
        sounds += [None] * (len(self._takes) - len(sounds))
        picture = embedded_picture(film, MOST_PICTURE) if film is not None else None
        is_beside = film is not None and picture is None and film.parent == folder
        media = Media(
            picture=picture,
            film=film.name if film is not None and is_beside else None,
            sounds=sounds,
            sound=sound.name if sound is not None and sounds[0] is None else None,
            stems=self._stems(sound, report, len(sounds)) if sound is not None else {},
        )
        shown = Shown(
            name,
            title,
            self._plan.rhythm,
            report,
            [ShownTake(*take) for take in self._takes],
            self._files(folder, name),
            mixed=is_mixed,
            anew=self._anew(report),
        )
        write_page(shown, media, folder / f"{name}.html")

    def _anew(self, report: Report) -> Anew:
        if report.kept is None or not report.kept.redone:
            return {}
        parts = [parse_redo(part) for part in report.kept.redone[-1].parts]
        return bars_anew(parts, self._plan.timeline, self._plan.sheet.instruments)

    def _files(self, folder: Path, name: str) -> list[str]:
        """The names of the files of the run, those first that are wanted most."""
        # These two are written behind the page.
        later = [f"{name}.json", *([f"{name}{ORIGIN_SUFFIX}"] if self._output.origin else [])]
        files = sorted({file.name for file in folder.iterdir()} | set(later))
        first = (".mp4", f".{self._output.format}", ".mid", ".png", ".json", *MARKER_SUFFIXES)
        places = {f"{name}{suffix}": place for place, suffix in enumerate(first)}
        return sorted(files, key=lambda file: places.get(file, len(first)))

    def _played(self, performance: Performance, report: Report) -> bytes:
        finish = finish_of(self._output, report, self._plan)
        sound = long_sound_of(
            performance,
            self._scratch,
            soundfont=self._font,
            sample_rate=self._rate,
            loudness=self._output.loudness,
            fades=finish.fades,
            loop=finish.loop,
            beside=None if self._sounding is None else self._sounding.track(self._rate, report.key),
        )
        return embedded_sound(self._mixed(sound.audio), self._rate)

    def _mixed(self, audio: Samples) -> Samples:
        """Music with the film's own sound, as in the film; a mixer of its own, for one remembers what it made."""
        own = None if self._film is None or self._mixer is None else self._own_sound(self._film)
        if own is None or self._mixer is None:
            return audio
        mixer = Mixer(self._mixer.spans, self._mixer.distance, self._output.loudness)
        both, _ = mixer(audio, fitted(own, len(audio)), self._rate)
        return both

    def _own_sound(self, film: Path) -> Samples | None:
        if not self._is_read:
            self._own, self._is_read = film_sound(film, self._rate, scratch=self._scratch), True
        return self._own

    def _stems(self, sound: Path, report: Report, n_sound: int) -> dict[str, bytes]:
        stems = {one.label: stem_path(sound, one.label) for one in report.instruments}
        stems = {label: file for label, file in stems.items() if file.exists()}
        if self._duration > MOST_STEM_SECONDS or n_sound + len(stems) > self._room:
            return {}
        return {label: self._read(file) for label, file in stems.items()}

    def _read(self, file: Path) -> bytes:
        audio = sound_of_file(file, round(self._duration * self._rate), self._rate, self._scratch)
        return embedded_sound(audio, self._rate)
