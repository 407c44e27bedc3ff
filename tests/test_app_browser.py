"""The app as a user has it, from an empty page to a corrected piece, by Debian's Chromium."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from app_server import running
from browser import open_browser
from clips import draw_clip

from cmt.app.limits import LIMITS

pytestmark = pytest.mark.slow
WORK = (sys.executable, "-m", "cmt.app.work")
LONG = 100_000
"""Milliseconds that real work may take."""


@pytest.fixture(scope="module")
def browser():
    with open_browser() as its:
        yield its


@pytest.fixture
def tab(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: problems.append(request.url) if "127.0.0.1" not in request.url else None)
    yield page
    context.close()
    usual = ("data:", "blob:", "net::ERR", "status of 4")  # the media of a page; an app that ends, or refuses
    assert not [problem for problem in problems if not any(word in problem for word in usual)]


def test_from_an_empty_page_to_a_corrected_piece(tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parent.parent))
    clip = draw_clip(tmp_path / "a clip.mp4", 6.0)
    with running(tmp_path / "app", command=WORK) as app:
        tab.goto(app.address)
        assert tab.get_by_role("heading", name="Drop a film here").is_visible()
        tab.set_input_files("#file", clip)
        tab.get_by_role("heading", name="Timeline").wait_for(timeout=LONG)
        assert "6.0 s" in tab.locator("#told").inner_text()

        # Wishes: words, a moment, the energy and a section, by the keyboard.
        tab.get_by_label("In your own words").fill("piano and bass, no drums")
        tab.get_by_text("Understood: piano, bass, no drums").wait_for()
        tab.get_by_label("In your own words").blur()
        tab.get_by_role("button", name="Moment to meet at the cursor").click()
        tab.locator(".hit").press("Shift+ArrowRight")
        assert "Moment at 0:00.83" in tab.locator(".hit").get_attribute("aria-label")
        energy = tab.get_by_role("slider", name="Energy bar by bar")
        for key in ("PageUp", "ArrowRight", "ArrowDown"):
            energy.press(key)
        assert energy.get_attribute("aria-valuetext").endswith("yours")
        tab.get_by_role("button", name="Section from the cursor").click()
        tab.get_by_label("Energy or name").select_option("intro")
        tab.locator("input[name=takes][value='2']").check(force=True)

        tab.get_by_role("button", name="Compose").click()
        tab.get_by_role("heading", name="Composing").wait_for()
        tab.get_by_role("heading", name="Download result 1").wait_for(timeout=LONG)
        assert tab.locator(".bar.drawn").count() == 2, "what is asked stays on the timeline"
        with tab.expect_download() as taken:
            tab.get_by_role("link", name="Everything (ZIP)").click()
        assert taken.value.suggested_filename == "a-clip-1.zip"

        # The result is played by the keys of the page around it, and its other take becomes a result.
        result = tab.frame_locator("iframe")
        tab.locator("#scroller").press("Space")
        result.get_by_role("button", name="Pause").wait_for()
        tab.locator("#scroller").press("Space")
        result.get_by_role("button", name="Play", exact=True).wait_for()
        result.get_by_role("radio", name="Take B").click()
        result.get_by_role("button", name="Use take B").click()
        tab.get_by_role("heading", name="Download result 2").wait_for(timeout=LONG)
        assert "take B of result 1" in tab.locator(".run").first.inner_text()
        (second,) = (tmp_path / "app").rglob("*.take2.mid")
        (used,) = [file for file in (tmp_path / "app").rglob("a-clip.mid") if file.parent != second.parent]
        assert used.read_bytes() == second.read_bytes()

        # All bars but the first are kept, and it is written anew.
        tab.get_by_role("button", name="Keep all").click()
        tab.get_by_role("button", name="Bar 1: kept").press("Enter")
        tab.get_by_role("button", name="Write the open bar anew").click()
        tab.get_by_role("heading", name="Download result 3").wait_for(timeout=LONG)
        assert "bar 1 of result 2 anew" in tab.locator(".run").first.inner_text()

        # The page that comes back, in another tab too, has it all.
        tab.reload()
        tab.get_by_role("heading", name="Download result 3").wait_for()
        assert tab.get_by_label("In your own words").input_value() == "piano and bass, no drums"
        other = tab.context.new_page()
        other.goto(app.address)
        other.get_by_role("heading", name="Results").wait_for()
    tab.get_by_text("The app does not answer").wait_for()


def test_what_goes_wrong_is_told(tab, tmp_path: Path):
    """With work that is only pretended."""
    (tmp_path / "notes.txt").write_text("text that is none")
    (tmp_path / "film.mp4").write_text("film")
    (tmp_path / "large.mp4").write_bytes(b"0" * 2_000_000)
    with running(tmp_path / "app", replace(LIMITS, megabytes=1)) as app:
        tab.goto(app.address)
        for name, told in (("notes.txt", "not a video"), ("large.mp4", "1 MB are the most")):
            tab.set_input_files("#file", tmp_path / name)
            tab.get_by_role("alert").get_by_text(told).wait_for()
        assert tab.get_by_role("heading", name="Drop a film here").is_visible()
        tab.set_input_files("#file", tmp_path / "film.mp4")
        tab.get_by_label("In your own words").fill("slow")
        tab.get_by_role("button", name="Compose").click()
        tab.get_by_role("button", name="Cancel").click()
        tab.get_by_role("alert").get_by_text("nothing was kept of it").wait_for()
        assert tab.get_by_role("button", name="Compose").is_enabled()
        assert not tab.locator(".run").count()
