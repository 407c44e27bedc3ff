"""Build the documentation as a folder of web pages: every Markdown page, and the public names of the three packages.

    python docs/build.py [--output out/docs]

Needs the extra `docs`. The folders are those of the repository, so that links lead to the same pages. Whatever is
wrong stops the build: a warning of pdoc, a link to a page or a heading that is not there.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from html import escape
from importlib import import_module
from pathlib import Path
from typing import get_type_hints
from urllib.parse import unquote

import markdown2
import pdoc
import pdoc.render
from pygments.formatters import HtmlFormatter

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("cmt", "video_rhythm", "midi_io")
CONTENTS = {
    "README.md": "Home",
    "docs/guide.md": "Guide",
    "docs/options.md": "Options",
    "docs/how.md": "How it works",
    "docs/numbers.md": "Numbers",
    "docs/matching.md": "Matching",
    "docs/sounds.md": "Sounds",
    "docs/robustness.md": "Robustness",
    "docs/like.md": "Music like a song",
    "docs/takes.md": "Takes",
    "docs/corpus.md": "Corpus",
    "docs/metrics.md": "Metrics",
    "docs/control.md": "Control",
    "docs/attributes.md": "Attributes",
    "docs/eye.md": "Eye",
    "docs/scenes.md": "Scenes",
    "docs/bands.md": "Bands",
    "data/MODEL_CARD.md": "Model card",
    "data/README.md": "Data",
    "docs/architecture.md": "Architecture",
    "docs/glossary.md": "Glossary",
    "CONTRIBUTING.md": "Contributing",
    "docs/release.md": "Releasing",
    "SECURITY.md": "Security",
    "CHANGELOG.md": "Changelog",
}
"""The pages, in the order of the menu."""
EXTRAS = ("tables", "fenced-code-blocks", "header-ids", "code-friendly", "cuddled-lists")
STYLE = """
body { margin: 0; display: flex; font: 16px/1.5 system-ui, sans-serif; color: #222; }
nav { flex: none; width: 12rem; padding: 1.5rem; background: #f3f3f1; min-height: 100vh; box-sizing: border-box; }
nav a { display: block; color: #222; text-decoration: none; padding: .1rem 0; }
nav a.here { font-weight: bold; }
nav p { margin: 1rem 0 .2rem; color: #666; }
main { max-width: 60rem; min-width: 0; padding: 1rem 2.5rem 4rem; }
main img { max-width: 100%; }
a { color: #0b57a4; }
table { border-collapse: collapse; display: block; overflow-x: auto; font-size: .92em; }
th, td { border: 1px solid #ddd; padding: .25rem .6rem; text-align: left; vertical-align: top; }
pre { background: #f6f6f4; padding: .8rem; overflow-x: auto; line-height: 1.35; }
code { font-size: .9em; background: #f6f6f4; }
@media (max-width: 50rem) { body { display: block; } nav { width: auto; min-height: 0; } main { padding: 1rem; } }
"""


def build(folder: Path) -> list[Path]:
    """Write all pages into `folder`, which must not hold anything else, and return them.

    Raises
    ------
    Warning
        If pdoc warns.
    SystemExit
        If a link leads nowhere.
    """
    if folder.exists():
        shutil.rmtree(folder)
    pages = [_write_page(source, folder) for source in CONTENTS]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pdoc.render.configure(docformat="numpy", show_source=False, search=True, footer_text="cmt")
        _make_ready()
        # A package's own names, not its modules: what is public is what its __all__ says.
        pdoc.pdoc(*PACKAGES, *(f"!{package}\\." for package in PACKAGES), output_directory=folder / "api")
    broken = sorted(_broken_links(pages, folder))
    if broken:
        raise SystemExit("links that lead nowhere:\n" + "\n".join(broken))
    return [*pages, *sorted((folder / "api").glob("*.html"))]


def _make_ready() -> None:
    """Put what pdoc cannot find by itself where it looks."""
    for package in map(import_module, PACKAGES):
        for name in package.__all__:
            value = getattr(package, name)
            setattr(package, name, value)  # one that is imported when it is first used
            if isinstance(value, type) and hasattr(value, "_fields"):
                # The constructor of a named tuple does not know the module in which its annotations mean something.
                value.__new__.__annotations__ = get_type_hints(value)


def _target(source: str) -> str:
    """The page that a Markdown file becomes."""
    return "index.html" if source == "README.md" else source.removesuffix(".md") + ".html"


def _write_page(source: str, folder: Path) -> Path:
    """One page, and the files it links to that are no pages."""
    page = folder / _target(source)
    page.parent.mkdir(parents=True, exist_ok=True)
    content = markdown2.markdown((ROOT / source).read_text(encoding="utf-8"), extras=EXTRAS)
    content = re.sub(r'(href|src)="([^"]+)"', lambda link: _with_link(link, source, folder), str(content))
    menu = "\n".join(_menu(source))
    page.write_text(
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
        '<meta name=viewport content="width=device-width">\n'
        f"<title>cmt: {escape(CONTENTS[source])}</title>\n"
        f"<style>{STYLE}{HtmlFormatter().get_style_defs('.codehilite')}</style>\n"
        f"<nav>\n{menu}\n</nav>\n<main>\n{content}\n</main>\n</html>\n",
        encoding="utf-8",
    )
    return page


def _menu(source: str) -> Iterator[str]:
    here = Path(_target(source)).parent
    for other, title in CONTENTS.items():
        mark = " class=here" if other == source else ""
        yield f'<a{mark} href="{os.path.relpath(_target(other), here)}">{escape(title)}</a>'
    yield "<p>Python</p>"
    for package in PACKAGES:
        yield f'<a href="{os.path.relpath(f"api/{package}.html", here)}">{package}</a>'


def _with_link(link: re.Match[str], source: str, folder: Path) -> str:
    """A link as the page needs it; what it leads to is copied where that is no page."""
    kind, address = link.groups()
    path, mark, heading = address.partition("#")
    if ":" in address or not path:
        return link[0]
    target = os.path.normpath((Path(source).parent / unquote(path)).as_posix())
    if target in CONTENTS:
        there = os.path.relpath(_target(target), Path(source).parent)
        return f'{kind}="{there}{mark}{heading}"'
    if (ROOT / target).is_file():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / target, folder / target)
    return link[0]


def _broken_links(pages: list[Path], folder: Path) -> Iterator[str]:
    """A line for each link to a file or a heading that is not there."""
    headings: dict[Path, set[str]] = {}
    for page in pages:
        for address in re.findall(r'(?:href|src)="([^"]+)"', page.read_text(encoding="utf-8")):
            path, _, heading = address.partition("#")
            if ":" in address:
                continue
            target = (page.parent / unquote(path)).resolve() if path else page
            if not target.is_file():
                yield f"{page.relative_to(folder)}: {address}"
                continue
            if heading and target not in headings:
                headings[target] = set(re.findall(r'id="([^"]+)"', target.read_text(encoding="utf-8")))
            if heading and heading not in headings[target]:
                yield f"{page.relative_to(folder)}: {address}"


def run() -> None:
    """Build what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "out" / "docs", help="folder of the pages; made anew")
    folder = parser.parse_args().output.resolve()
    pages = build(folder)
    print(f"{len(pages)} pages; begin with {folder / 'index.html'}")


if __name__ == "__main__":
    run()
