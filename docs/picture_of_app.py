"""Write docs/app.png: the app with the sample clip and a first result, as Debian's Chromium shows it.

    python docs/picture_of_app.py [--output docs/app.png] [--chromium /usr/bin/chromium]

It makes music for the clip, so it takes a minute. Needs the extras `app` and `test`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 600_000
"""Milliseconds."""
SIZE = {"width": 1360, "height": 1420}


def take(page: Any, address: str, clip: Path, picture: Path) -> None:
    """Use the app as a person does, then take the picture."""
    page.goto(address)
    page.set_input_files("#file", clip)
    page.get_by_role("heading", name="Timeline").wait_for(timeout=PATIENCE)
    page.get_by_label("In your own words").fill("calm piano and strings, builds up, big ending")
    energy = page.get_by_role("slider", name="Energy bar by bar")
    for key in ["PageDown", *["ArrowRight", "PageDown"] * 2, *["ArrowRight", "PageUp"] * 2]:
        energy.press(key)
    page.get_by_role("button", name="Compose").click()
    page.get_by_role("heading", name="Download result 1").wait_for(timeout=PATIENCE)
    for bar in ("Bar 1: open", "Bar 2: open", "Bar 3: open"):
        page.get_by_role("button", name=bar).press("Enter")
    page.get_by_role("button", name="Bar 3: kept").blur()
    page.mouse.move(5, 5)
    page.mouse.wheel(0, -10_000)
    page.wait_for_timeout(2_000)
    page.screenshot(path=picture)


def run() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "app.png")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        clip = Path(folder) / "sample.mp4"
        subprocess.run([sys.executable, ROOT / "data" / "draw_sample_clip.py", clip], check=True, cwd=ROOT)
        command = [sys.executable, "-u", "-m", "cmt", "app", "--no-browser", "--port", "0"]
        with subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE) as app:
            try:
                assert app.stdout is not None
                address = app.stdout.readline().split()[4]
                browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
                take(browser.new_page(viewport=SIZE), address, clip, options.output)
                browser.close()
            finally:
                app.terminate()
    with Image.open(options.output) as picture:
        picture.convert("RGB").quantize(256).save(options.output, optimize=True)
    print(f"wrote {options.output}, {options.output.stat().st_size // 1000} kB")


if __name__ == "__main__":
    run()
