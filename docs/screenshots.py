"""Take the pictures of the page that the guide shows: docs/page-wide.png and docs/page-phone.png.

    python docs/screenshots.py [--page out/demo/sample.html] [--output docs]

Without `--page` the sample clip is drawn and music is composed for it first, as `make demo` does. Needs Chromium, and
of the extra `test` Playwright.
"""

from __future__ import annotations

import argparse
import runpy
import shutil
import sys
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from cmt.config import GenerateConfig
from cmt.music.words import Genre
from cmt.planning.wishes import Wishes
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output

ROOT = Path(__file__).resolve().parent.parent
WIDE, PHONE = (1280, 1610), (390, 1240)
SECONDS = 11.2
COMMENT = "The guitar may rest here, so that the tunnel feels narrow."
COLOURS = 256
"""The colours of a picture: enough for a page, and few enough for a small file."""
_GAP = 24


def main(arguments: Sequence[str] | None = None) -> None:
    """Take both pictures."""
    parser = argparse.ArgumentParser(description="Take the pictures of the page that the guide shows.")
    parser.add_argument("--page", type=Path, help="a page that is there already")
    parser.add_argument("--output", type=Path, default=ROOT / "docs")
    options = parser.parse_args(arguments)
    program = shutil.which("chromium")
    if program is None:
        sys.exit("no Chromium is installed: sudo apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        page = options.page or sample_page(Path(folder))
        take_pictures(page.resolve(), options.output, program)


def sample_page(folder: Path) -> Path:
    """The page of the sample clip, with three takes, stems and sounds."""
    draw = runpy.run_path(str(ROOT / "data" / "draw_sample_clip.py"))["draw_sample_clip"]
    draw(folder / "sample.mp4")
    config, output = GenerateConfig(seed=1, control=0.7), Output(stems=True, sounds=0.4)
    make_soundtrack(folder / "sample.mp4", folder, Wishes(genre=Genre.POP, takes=3), config, output=output, name="clip")
    return folder / "clip.html"


def take_pictures(page_file: Path, folder: Path, program: str) -> None:
    """Take both pictures of a page into `folder`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = opened(browser, page_file, WIDE, "light")
        save([page.screenshot()], folder / "page-wide.png")
        page = opened(browser, page_file, PHONE, "dark")
        parts = [page.screenshot()]
        page.evaluate("document.querySelector('.timeline').scrollIntoView()")
        parts.append(page.screenshot())
        save(parts, folder / "page-phone.png")
        browser.close()


def opened(browser: Any, page_file: Path, size: tuple[int, int], theme: str) -> Any:
    """The page at a place in the middle, with bars chosen and a comment."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
    page.goto(page_file.as_uri())
    page.wait_for_selector("#frame.has-film")
    page.evaluate(
        """([seconds, text]) => {
          comments.list = [{ begin: 10, end: 14, instrument: 'guitar', text, redo: true }];
          comments.show(actions);
          choose(5, 6);
          return player.seek(seconds);
        }""",
        [SECONDS, COMMENT],
    )
    page.wait_for_timeout(1500)
    return page


def save(pictures: Sequence[bytes], path: Path) -> None:
    """Write pictures side by side."""
    parts = [Image.open(BytesIO(picture)).convert("RGB") for picture in pictures]
    width = sum(part.width for part in parts) + _GAP * (len(parts) - 1)
    whole = Image.new("RGB", (width, max(part.height for part in parts)), "white")
    left = 0
    for part in parts:
        whole.paste(part, (left, 0))
        left += part.width + _GAP
    whole.quantize(COLOURS, kmeans=2, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"wrote {path} ({path.stat().st_size // 1000} KB)")


if __name__ == "__main__":
    main()
