"""The page in a browser: it plays, seeks, switches takes, takes comments, and lets nothing in or out."""

import json
import re
from dataclasses import replace

import pytest
from browser import open_browser
from pages import EVENTS, HOSTILE, media_of_clip, shown_of_clip

from cmt.page.page import write_page
from cmt.report.sounds import events_from_json, read_events
from midi_io.song import Instrument

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page_file(tmp_path_factory, checkpoint):
    folder = tmp_path_factory.mktemp("page")
    shown, clip = shown_of_clip(folder, checkpoint, title=HOSTILE)
    shown = replace(shown, anew={0: [Instrument.PIANO, Instrument.BASS]})
    write_page(shown, media_of_clip(clip), folder / "it's a clip.html")
    return folder / "it's a clip.html"


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture
def opened(browser, page_file):
    """A function that opens the page; whatever it says to the console or asks of the network fails the test."""
    contexts, wrong = [], []

    def at_size(width=1280, height=900, theme="light", **options):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if _is_foreign(request.url) else None)
        page.goto(page_file.as_uri())
        page.wait_for_selector("#frame.has-film")
        return page

    yield at_size
    for context in contexts:
        context.close()
    assert not wrong


def _is_foreign(url):
    return not url.startswith(("file:", "data:", "blob:"))


def until(page, condition):
    """Wait for a condition; Playwright's own way to do so is refused by the page, as all programs of others are."""
    for _ in range(400):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(25)
    pytest.fail(f"never came true: {condition}")


def time_of(page):
    return page.evaluate("player.time()")


def test_a_hostile_name_is_text(opened):
    page = opened()
    assert page.inner_text("h1 .title") == HOSTILE
    assert page.title() == f"Music for {HOSTILE}"
    assert page.locator("h1 img, main img:not(.poster)").count() == 0


def test_it_plays_film_and_cursor_and_pauses(opened):
    page = opened()
    page.click("#play")
    until(page, "player.time() > 0.7")
    page.keyboard.press("Space")  # the button still has the focus, and is pressed
    assert page.evaluate("player.playing") is False
    at = time_of(page)
    until(page, "Math.abs(document.getElementById('film').currentTime - player.time()) < 0.05")
    assert time_of(page) == at
    x = page.evaluate("new DOMMatrix(getComputedStyle(document.getElementById('cursor')).transform).e")
    assert x == pytest.approx(at * page.evaluate("timeline.pps"), abs=1)
    assert page.get_attribute("#play", "aria-label") == "Play"


def test_a_take_goes_on_at_the_same_second(opened):
    page = opened()
    page.keyboard.press("Space")
    until(page, "player.time() > 0.4")
    before, after, took = page.evaluate(
        """(() => {
          const begin = performance.now(), t = player.time();
          chooseTake(1);
          return [t, player.time(), (performance.now() - begin) / 1000];
        })()"""
    )
    assert 0 <= after - before < took + 0.1
    until(page, "player.sound.playing.has('sound-1') && player.playing")
    assert page.inner_text("#live").startswith("Take B")
    assert page.get_attribute("#deck-takes [data-take='1']", "aria-checked") == "true"
    page.keyboard.press("1")
    assert page.evaluate("state.take") == 0


def test_a_click_goes_to_its_time(opened):
    page = opened(height=1600)
    box = page.locator("#lanes").bounding_box()
    lane = page.evaluate("timeline.lanes.find((one) => one.id === 'energy').top")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + lane + 30)
    assert time_of(page) == pytest.approx(2.0, abs=0.02)
    page.keyboard.press("Home")
    assert time_of(page) == 0
    page.keyboard.press("ArrowRight")
    assert 0 < time_of(page) < 1
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()


def test_bars_give_a_command(opened):
    page = opened()
    box = page.locator("#lanes").bounding_box()
    page.mouse.click(box["x"] + 20, box["y"] + 10)
    assert page.input_value("#redo-from") == page.input_value("#redo-to") == "1"
    page.select_option("#redo-who", "piano")
    # The name comes from the run, which is called clip.
    assert page.inner_text("#redo-command") == "cmt generate --from clip.json --redo piano@1"
    assert not page.locator("#take-shell").is_visible()
    page.keyboard.press("Escape")
    page.locator("#redo-who").blur()
    page.keyboard.press("2")
    assert page.inner_text("#redo-command") == "cmt generate --from clip.take2.json --redo piano@1"
    assert page.inner_text("#take-command") == "cmt generate --from clip.take2.json"


def test_what_was_written_anew_is_said(opened):
    assert opened().inner_text("#anew") == "Written anew: piano and bass in bar 1."


def boxes_of_sounds(page):
    """The middle of each sound on the screen, in order of time."""
    page.locator("#lanes").scroll_into_view_if_needed()
    return page.evaluate(
        """(() => {
          const lane = timeline.lanes.find((one) => one.id === 'sounds');
          const its = { y: lane.top + lane.head + 2, h: lane.height }, rows = sounds.rows();
          const canvas = timeline.canvas.getBoundingClientRect();
          return sounds.list.map((one) => timeline.soundBox(one, rows.get(one), its)).map((box) => [
            canvas.left + box.x + box.wide / 2, canvas.top + box.top + box.tall / 2]);
        })()"""
    )


def test_sounds_are_moved_by_the_mouse(opened):
    page = opened(height=1600)
    assert "(3)" in page.inner_text("#sounds-title")
    assert not page.locator("#sounds-out").is_visible()
    _, (x, y), _ = boxes_of_sounds(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.keyboard.down("Alt")
    page.mouse.move(x + page.evaluate("timeline.pps") * 0.4, y, steps=4)
    page.mouse.up()
    page.keyboard.up("Alt")
    assert page.evaluate("sounds.list.map((one) => one.time)") == [0, pytest.approx(1.4, abs=0.01), 2]
    assert "put there by you" in page.inner_text("#sound-title")
    assert page.inner_text("#sounds-command") == "cmt generate --from clip.json --sound-events clip.sound-events.json"
    page.get_by_role("button", name="Undo").click()
    assert not page.locator("#sounds-out").is_visible(), "all is as it was"
    _, _, (x, y) = boxes_of_sounds(page)
    page.mouse.click(x, y)
    assert page.input_value("#sound-kind") == "whoosh" and time_of(page) == 2


def test_sounds_are_changed_by_the_keyboard_and_saved(opened, tmp_path):
    page = opened(accept_downloads=True)
    page.keyboard.press("s")
    page.keyboard.press("s")
    assert page.inner_text("#live").startswith("Sound 2 of 3: hit at 0:01.00")
    page.keyboard.press("Delete")
    page.keyboard.press("End")
    page.keyboard.press("Shift+S")
    page.select_option("#sound-kind", "impact")
    page.fill("#sound-length", "99")
    page.keyboard.press("Tab")
    page.locator("#sound-strength").press("End")
    page.get_by_role("button", name="Another of its kind").click()
    page.locator("h1").click()
    page.keyboard.press(".")
    page.reload()  # the browser keeps them
    with page.expect_download() as download:
        page.click("#sounds-save")
    assert download.value.suggested_filename == "clip.sound-events.json"
    file = tmp_path / "events.json"
    download.value.save_as(file)
    bed, impact = read_events(file)
    assert bed == EVENTS[0]
    assert impact[1:] == (30.0, 1.0, 0.3, "impact", "user", 5, None, ())
    assert impact.time == pytest.approx(2 + 1 / 24, abs=1e-3)
    page.get_by_role("button", name="Add one at").click()
    assert page.evaluate("sounds.list.length") == 3
    # One command does what comments and sounds ask for.
    page.click("#comment-add")
    page.fill("#comment-text", "softer")
    page.click("#comment-form button[type=submit]")
    both = "cmt generate --from clip.json --redo clip.comments.json --sound-events clip.sound-events.json"
    assert page.inner_text("#sounds-command") == page.inner_text("#comments-command") == both
    assert "that of the comments" in page.inner_text("#sounds-save-hint")


def test_words_are_quoted_for_a_shell(opened):
    page = opened()
    assert page.evaluate('asFile("it\'s $(x).json")') == "'it'\"'\"'s $(x).json'"
    assert page.evaluate("asFile('-rf.json')") == "./-rf.json"


def test_comments_are_kept_and_saved(opened):
    page = opened(accept_downloads=True)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("c")
    page.fill("#comment-text", "less <b>piano</b>")
    page.fill("#comment-begin", "1.5")
    page.fill("#comment-end", "3.5")
    page.select_option("#comment-who", "piano")
    page.click("#comment-form button[type=submit]")
    page.click("#comment-add")
    page.fill("#comment-text", "lovely")
    page.uncheck("#comment-redo")
    page.click("#comment-form button[type=submit]")
    page.reload()
    assert page.locator("#comments li").count() == 2
    assert page.locator("#comments li p b").count() == 0
    page.get_by_role("button", name="Edit comment 1").click()
    page.fill("#comment-text", "nice as it is")
    page.click("#comment-form button[type=submit]")
    with page.expect_download() as download:
        page.click("#comments-save")
    assert download.value.suggested_filename == "clip.comments.json"
    saved = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert saved["schema"] == 1 and len(saved["comments"]) == 2
    by_text = {comment["text"]: comment for comment in saved["comments"]}
    assert by_text["less <b>piano</b>"] == {
        "begin": 1.5,
        "end": 3.5,
        "instrument": "piano",
        "text": "less <b>piano</b>",
        "redo": True,
    }
    assert by_text["nice as it is"]["redo"] is False
    page.get_by_role("button", name="Delete comment 1").click()
    assert page.locator("#comments li").count() == 1
    page.set_input_files("#comments-file", download.value.path())
    page.get_by_text("1 of 2 comments read from").wait_for()
    assert page.locator("#comments li").count() == 2
    files = {"name": "x.json", "mimeType": "application/json", "buffer": b'{"schema": 1, "comments": [{"begin": "x"}]}'}
    page.set_input_files("#comments-file", files)
    page.get_by_text("x.json has no comments for this piece").wait_for()
    assert page.locator("#comments li").count() == 2
    assert page.evaluate("document.querySelector('#comments-out').scrollWidth <= $('comments').clientWidth")


def test_instruments_are_muted_by_the_stems(opened):
    page = opened()
    page.get_by_role("button", name="Mute piano").click()
    names = page.evaluate("Object.fromEntries(player.names())")
    assert names == {"stem-piano": 0, "stem-drums": 1}
    page.get_by_role("button", name="Only piano").click()
    assert page.evaluate("Object.fromEntries(player.names())") == {"stem-piano": 1, "stem-drums": 0}
    page.keyboard.press("2")  # of the other take there are no stems
    assert page.evaluate("Object.fromEntries(player.names())") == {"sound-1": 1}
    assert "take A" in page.inner_text("#players-note")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_words_can_be_read(opened, theme):
    page = opened(390, 844, theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for selector in sorted(["body", ".hint", ".card", "#play", "#comment-add", ".label small", "a"]):
        assert page.evaluate(CONTRAST, selector) >= 4.5, (theme, selector)


def test_inside_our_app_it_asks_its_parent(browser, page_file):
    context = browser.new_context()
    page = context.new_page()
    text = page_file.read_text(encoding="utf-8")
    outer = "<iframe src='/clip.html'></iframe><script>all = []; onmessage = (e) => all.push(e.data)</script>"
    pages = {"http://cmt.test/": outer, "http://cmt.test/clip.html": text}
    page.route("**/*", lambda route: route.fulfill(body=pages[route.request.url], content_type="text/html"))
    page.goto("http://cmt.test/")
    frame = page.frame_locator("iframe")
    frame.locator("#deck-takes [data-take='1']").click()
    frame.get_by_role("button", name="Use take B").click()
    frame.locator("#deck-takes [data-take='0']").click()
    frame.locator("#redo-from").fill("1")
    frame.locator("#redo-from").press("Tab")
    frame.get_by_role("button", name="Write these bars anew").click()
    until(page, "all.length === 4")
    assert page.evaluate("all") == [
        {"type": "cmt-take", "take": 2},
        {"type": "cmt-use", "take": 2},
        {"type": "cmt-take", "take": 1},
        {"type": "cmt-redo", "take": 1, "redo": ["1"], "comments": [], "sounds": None},
    ]
    frame.get_by_role("button", name="Add one at").click()
    frame.get_by_role("button", name="Write the piece with these sounds").click()
    until(page, "all.length === 5")
    asked = page.evaluate("all[4]")
    assert asked["redo"] == [] and len(events_from_json(asked["sounds"], "the page")) == len(EVENTS) + 1
    context.close()


def test_a_film_that_is_not_there_is_said(browser, page_file, tmp_path):
    text = page_file.read_text(encoding="utf-8")
    text = text.replace('"film":{"kind":"embedded"}', '"film":{"kind":"beside","name":"x.mp4","address":"./x.mp4"}')
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_selector("#film-note:not([hidden])")
    assert re.match(r"The film x\.mp4 is not beside this page", page.inner_text("#film-note"))
    assert page.evaluate("document.getElementById('poster').naturalWidth") > 0
    page.keyboard.press("Space")
    until(page, "player.time() > 0.3")
    page.close()


CONTRAST = """(selector) => {
  const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (colour) => { probe.clearRect(0, 0, 1, 1); probe.fillStyle = colour; probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) =>
    v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
  const element = document.querySelector(selector);
  let behind = element, ground = [0, 0, 0, 0];
  while (behind && ground[3] < 255) {
    ground = rgb(getComputedStyle(behind).backgroundColor); behind = behind.parentElement; }
  const [a, b] = [light(rgb(getComputedStyle(element).color)), light(ground)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}"""
"""The contrast of an element's words with what they stand on, as WCAG 2 counts it."""
