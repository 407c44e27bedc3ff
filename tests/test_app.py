"""The app: films, jobs and results by its addresses, and who is not obeyed. The work itself is only pretended here."""

import json
import socket
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from app_server import running, wait_until

from cmt.app.limits import LIMITS, MEGABYTE
from cmt.app.web.serving import listen
from cmt.errors import CmtError


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with running(tmp_path_factory.mktemp("app")) as its:
        yield its


@pytest.fixture
def user(app):
    with app.user() as somebody:
        yield somebody


def left_in(folder: Path) -> list[str]:
    """All files below a folder."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_film_is_looked_at_and_gets_music_that_can_be_taken_along(user):
    film = user.put_up()
    assert user.film(film) | {"id": ""} == {
        "id": "", "name": "clip.mp4", "state": "ready", "error": "", "duration": 8.0, "picture": False
    }  # fmt: skip
    assert user.client.get(f"/api/films/{film}/seen").json()["cuts"] == [4.0]
    assert user.client.get(f"/api/films/{film}/strip").content == b"strip"
    assert user.client.get(f"/api/films/{film}/file").content == b"film"
    run = user.run(film, genre="pop")
    assert (run["number"], run["parent"], run["asked"]) == (1, None, {"genre": "pop"})
    files = f"/api/runs/{run['id']}/files"
    taken = user.client.get(f"{files}/clip.mp4?download=1")
    assert taken.content == b"0123456789" and taken.headers["content-disposition"].startswith("attachment")
    packed = zipfile.ZipFile(BytesIO(user.client.get(f"/api/runs/{run['id']}/zip").content))
    assert sorted(packed.namelist()) == ["clip.html", "clip.json", "clip.mp4", "clip.take2.json"]


def test_bars_are_written_anew_from_a_result(user):
    run = user.run(user.put_up())
    answer = user.send("POST", f"/api/runs/{run['id']}/redo", json={"redo": ["1", "piano@2-"]})
    assert answer.status_code == 202
    wait_until(lambda: len(user.state()["runs"]) == 2)
    assert user.state()["runs"][1]["parent"] == run["number"]
    answer = user.send("POST", f"/api/runs/{run['id']}/redo", json={"redo": ["2"], "take": 2})
    assert answer.status_code == 202
    wait_until(lambda: len(user.state()["runs"]) == 3)
    of_second = user.state()["runs"][2]
    assert (of_second["parent"], of_second["take"]) == (1, 2)
    assert user.client.get(f"/api/runs/{of_second['id']}/files/clip.mp4").text == "clip.take2.json 2"
    for take, status in ((0, 404), (3, 404), ("x", 400), (None, 400)):
        asked = {"redo": ["2"], "take": take}
        assert user.send("POST", f"/api/runs/{run['id']}/redo", json=asked).status_code == status
    for wrong in ([], ["x"], [3], "1"):
        assert user.send("POST", f"/api/runs/{run['id']}/redo", json={"redo": wrong}).status_code == 400
    for sounds, status in (
        ({"events": [{"time": 1.0, "kind": "hit"}]}, 202),
        ({"events": [{"time": 1.0}]}, 400),
        (3, 400),
    ):
        asked = {"redo": [], "sounds": sounds}
        assert user.send("POST", f"/api/runs/{run['id']}/redo", json=asked).status_code == status


def test_a_take_becomes_a_result_of_its_own(user):
    run = user.run(user.put_up(), genre="pop", takes=2)
    assert user.send("POST", f"/api/runs/{run['id']}/takes/2").status_code == 202
    wait_until(lambda: len(user.state()["runs"]) == 2)
    its = user.state()["runs"][1]
    assert (its["parent"], its["take"]) == (1, 2)
    assert its["asked"] == {"genre": "pop", "takes": 2}
    assert user.client.get(f"/api/runs/{its['id']}/files/clip.mp4").text == "clip.take2.json "
    for number in ("0", "3", "x"):
        assert user.send("POST", f"/api/runs/{run['id']}/takes/{number}").status_code in (404, 422)


def test_a_part_of_a_file_is_sent_where_that_is_asked_for(user):
    run = user.run(user.put_up())
    part = user.client.get(f"/api/runs/{run['id']}/files/clip.mp4", headers={"range": "bytes=2-4"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")


def test_what_is_asked_wrongly_is_one_line_before_it_waits(user):
    film = user.put_up()
    for asked, told in (
        ({"genre": "polka"}, "genre must be one of"),
        ({"tempo": 9999}, "tempo"),
        ({"sections": [{"time": 0, "level": "loudish"}]}, "section"),
        ({"words": "xyzzy"}, "nothing is understood"),
        ({"instruments": []}, "nobody to play"),
        ({"start": 5, "end": 4}, "must come after"),
        ({"energy": [[0, 1, 2]]}, "energy"),
        ({"takes": 10**9}, "takes"),
    ):
        answer = user.send("POST", f"/api/films/{film}/runs", json=asked)
        assert answer.status_code == 400, asked
        error = answer.json()["error"]
        assert told in error and "\n" not in error and "`" not in error and "Traceback" not in error
    for body in (b"no json", b"[1]", b"[" * 100_000):
        assert user.send("POST", f"/api/films/{film}/runs", content=body).status_code == 400
    assert user.send("POST", f"/api/films/{film}/runs", content=b"x" * MEGABYTE).status_code == 413


def test_a_text_is_refused_in_one_line_with_its_own_name(app, user):
    film = user.put_up(b"text that is none", "my notes.txt")
    its = user.film(film)
    assert (its["state"], its["error"]) == ("failed", "my notes.txt: not a video that FFmpeg can read")
    assert str(app.folder) not in its["error"]
    for content in (b"#EXTM3U\nfile:///etc/passwd", b"\xef\xbb\xbf \n<html>", b"ffconcat version 1.0"):
        answer = user.send("POST", "/api/films", content=content)
        assert answer.status_code == 400 and "no film" in answer.json()["error"]


def test_work_that_breaks_down_is_told_and_the_next_job_runs(user):
    assert "ended before it was done" in user.film(user.put_up(b"crash"))["error"]
    assert user.film(user.put_up())["state"] == "ready"


@pytest.mark.parametrize("length", [3_000_000_000, 2_000_000_001])
def test_a_film_that_is_too_large_is_refused_before_it_is_sent(app, user, length: int):
    """Nothing but the head of the request is sent: the answer must not wait for the rest."""
    host, port = app.address.removeprefix("http://").split(":")
    cookie = "; ".join(f"{name}={value}" for name, value in user.client.cookies.items())
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(
            f"POST /api/films HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\nx-cmt-token: {user.token}\r\n"
            f"Content-Length: {length}\r\n\r\n".encode()
        )
        answer = ""
        while part := connection.recv(4096):
            answer += part.decode()
    assert answer.startswith("HTTP/1.1 413") and "2000 MB are the most" in answer
    assert not user.state()["films"]


def test_a_film_that_does_not_say_how_large_it_is_is_refused_on_the_way(tmp_path: Path):
    with running(tmp_path, replace(LIMITS, megabytes=1)) as app, app.user() as user:
        answer = user.send("POST", "/api/films", content=iter([b"x" * 600_000, b"x" * 600_000]))
        assert answer.status_code == 413 and "1 MB are the most" in answer.json()["error"]
        assert not left_in(tmp_path) and not user.state()["films"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:%5CUsers%5Cme%5Choliday.mov", "holiday.mov"),
        ("%FF%FE.mp4", "\ufffd\ufffd.mp4"),
        ("a%00b%0Ac%E2%80%AEd.mp4", "a b c d.mp4"),
        ("..", "film"),
        ("", "film"),
        ("%3Cscript%3Ealert(1)%3C%2Fscript%3E.mp4", "script>.mp4"),
        ("x" * 500 + ".mp4", "x" * 39 + "\u2026" + "x" * 36 + ".mp4"),
    ],
)
def test_no_file_name_is_trusted(app, user, name: str, shown: str):
    film = user.put_up(name=name)
    assert user.film(film)["name"] == shown
    for path in app.folder.rglob("*"):
        assert path.name.isascii() or path.name.isprintable()
        assert not set(path.name) & set("<>\0\n\\:")
    assert not (app.folder.parent / "passwd").exists()


def test_others_do_not_reach_what_is_mine(app, user):
    film = user.put_up()
    run = user.run(film)
    slow = user.compose(film, words="slow")
    with app.user() as other:
        assert other.state()["films"] == other.state()["runs"] == other.state()["jobs"] == []
        for path in (f"films/{film}/seen", f"films/{film}/file", f"films/{film}/strip", f"runs/{run['id']}/zip",
                     f"runs/{run['id']}/files/clip.mp4"):  # fmt: skip
            assert other.client.get(f"/api/{path}").status_code == 404, path
        for method, path in (("DELETE", f"films/{film}"), ("DELETE", f"runs/{run['id']}"), ("DELETE", f"jobs/{slow}")):
            assert other.send(method, f"/api/{path}").status_code == 404, path
        assert other.send("POST", f"/api/films/{film}/runs", json={}).status_code == 404
        assert other.send("POST", f"/api/runs/{run['id']}/redo", json={"redo": ["1"]}).status_code == 404
        # With the cookie of the one and the token of the other, too.
        other.client.cookies = user.client.cookies
        assert other.send("DELETE", f"/api/jobs/{slow}").status_code == 403
    assert user.job(slow)["state"] == "working"
    user.send("DELETE", f"/api/jobs/{slow}")


@pytest.mark.parametrize("name", ["..%2Fclip.json", "%2Fetc%2Fpasswd", ".all.zip", "clip.wav", ".scratch", "..%5Cx"])
def test_only_a_results_own_files_are_sent(user, name: str):
    run = user.run(user.put_up())
    user.client.get(f"/api/runs/{run['id']}/zip")
    assert user.client.get(f"/api/runs/{run['id']}/files/{name}").status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example:80"}, 421),
        ({"host": ""}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"x-cmt-token": "guessed"}, 403),
        ({"x-cmt-token": "\u00e9".encode().decode("latin-1")}, 403),
    ],
)
def test_no_request_of_another_site_is_obeyed(user, headers: dict[str, str], status: int):
    film = user.put_up()
    sent = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    answer = user.client.request("DELETE", f"/api/films/{film}", headers={b"x-cmt-token": user.token.encode(), **sent})
    assert answer.status_code == status
    assert user.film(film)["state"] == "ready"


def test_a_link_leads_here_from_elsewhere_and_a_frame_does_not(user):
    visit = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "document"}
    assert user.client.get("/", headers=visit).status_code == 200
    assert user.client.get("/", headers=visit | {"sec-fetch-dest": "iframe"}).status_code == 403
    assert user.client.get("/api/state", headers=visit).status_code == 403


def test_the_page_runs_and_loads_nothing_but_its_own(user):
    answer = user.client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "SAMEORIGIN" and answer.headers["x-content-type-options"] == "nosniff"
    assert "://" not in answer.text and " style=" not in answer.text and " onclick=" not in answer.text
    for name in ("app.css", "app.js", "server.js", "timeline.js", "result.js"):
        file = user.client.get(f"/static/{name}")
        assert file.status_code == 200 and "://" not in file.text.replace("http://www.w3.org", "")
    assert user.client.get("/static/page.html").status_code == 404
    run = user.run(user.put_up())
    result = user.client.get(f"/api/runs/{run['id']}/files/clip.html").headers["content-security-policy"]
    assert "sandbox" in result and "frame-ancestors 'self'" in result and "default-src 'none'" in result


def test_the_cookie_is_of_this_app_alone(app):
    cookie = httpx.get(app.address).headers["set-cookie"]
    port = app.address.rpartition(":")[2]
    assert cookie.startswith(f"cmt-{port}=") and "HttpOnly" in cookie and "SameSite=strict" in cookie


def test_who_is_unknown_is_told_to_load_the_page(app):
    for cookies in ({}, {f"cmt-{app.address.rpartition(':')[2]}": "guessed"}):
        answer = httpx.get(f"{app.address}/api/state", cookies=cookies)
        assert answer.status_code == 401 and "load the page again" in answer.json()["error"]


def test_jobs_wait_in_one_queue_and_no_more_than_may(tmp_path: Path):
    with running(tmp_path, replace(LIMITS, waiting=2)) as app, app.user() as user, app.user() as other:
        film, theirs = user.put_up(), other.put_up()
        first = user.compose(film, words="slow")
        wait_until(lambda: user.job(first)["state"] == "working")
        second, third = other.compose(theirs), user.compose(film)
        assert (other.job(second)["before"], user.job(third)["before"]) == (1, 2)
        full = user.send("POST", f"/api/films/{film}/runs", json={})
        assert full.status_code == 429 and "2 jobs wait already" in full.json()["error"]
        user.send("DELETE", f"/api/jobs/{first}")
        wait_until(lambda: user.job(third)["state"] == "done")
        assert other.job(second)["state"] == "done"


def test_a_job_that_is_cancelled_leaves_nothing(app, user):
    film = user.put_up()
    before = left_in(app.folder)
    job = user.compose(film, words="slow")
    wait_until(lambda: user.job(job)["stage"] == "compose" and "half" in left_in(app.folder))
    assert user.send("DELETE", f"/api/jobs/{job}").status_code == 204
    assert user.job(job)["state"] == "cancelled" and "nothing was kept" in user.job(job)["error"]
    wait_until(lambda: left_in(app.folder) == before)
    assert user.state()["runs"] == []
    assert user.run(film)["number"] == 1, "the queue goes on"


def test_jobs_end_when_the_browser_is_gone_and_all_goes_later(tmp_path: Path):
    now = [0.0]
    with running(tmp_path, clock=lambda: now[0]) as app, app.user() as user:
        film = user.put_up()
        job = user.compose(film, words="slow")
        with user.client.stream("GET", "/api/events") as events:
            lines = events.iter_lines()  # the connection ends with the last reference to it
            assert json.loads(next(lines).removeprefix("data: "))["films"][0]["id"] == film
            now[0] += 10 * LIMITS.left_after
            app.sessions.tidy()
            assert user.job(job)["state"] == "working", "somebody listens"
            now[0] += 10 * LIMITS.left_after
        with app.user() as other:
            wait_until(lambda: not user_streams(app))
            now[0] += LIMITS.left_after
            app.sessions.tidy()
            wait_until(lambda: "half" not in left_in(tmp_path))
            assert other.put_up()
        now[0] += LIMITS.forgotten_after
        app.sessions.tidy()
        assert user.client.get("/api/state").status_code == 401
        assert left_in(tmp_path) == []


def user_streams(app) -> int:
    return sum(session.streams for session in app.sessions._sessions.values())


def test_two_tabs_see_the_same(app, user):
    with httpx.Client(base_url=app.address, cookies=user.client.cookies) as tab:
        assert tab.get("/").status_code == 200
        film = user.put_up()
        assert [one["id"] for one in tab.get("/api/state").json()["films"]] == [film]
        token = tab.get("/").text.partition('name="cmt-token" content="')[2].partition('"')[0]
        assert token == user.token, "a second tab does not lock the first out"


def test_a_film_that_is_removed_takes_its_results_along(app, user):
    before = left_in(app.folder)
    film = user.put_up()
    user.run(film)
    assert user.send("DELETE", f"/api/films/{film}").status_code == 204
    assert (user.state()["films"], user.state()["runs"], left_in(app.folder)) == ([], [], before)


def test_films_are_counted(tmp_path: Path):
    with running(tmp_path, replace(LIMITS, films=1)) as app, app.user() as user:
        user.put_up()
        answer = user.send("POST", "/api/films", content=b"film")
        assert answer.status_code == 400 and "remove one first" in answer.json()["error"]


def test_words_are_understood_while_they_are_typed(user):
    its = user.send("POST", "/api/words", json={"words": "calm piano with xyzzy"}).json()
    assert any("piano" in phrase for phrase in its["phrases"]) and its["passed_over"] == ["xyzzy"]
    assert "nothing is understood" in user.send("POST", "/api/words", json={"words": "xyzzy"}).json()["error"]


def test_a_port_in_use_is_one_line():
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(CmtError, match=rf"^`port` {port}: is in use, .*; stop that, or choose another port$"):
            listen("127.0.0.1", port)
    with pytest.raises(CmtError, match=r"^`host` no\.such\.host\.invalid: cannot be listened at"):
        listen("no.such.host.invalid", 0)


def test_by_another_address_numbers_are_known_and_names_are_not(tmp_path: Path):
    with running(tmp_path, host="0.0.0.0") as app:
        port = app.address.rpartition(":")[2]
        for host, status in ((f"192.168.1.5:{port}", 200), (socket.gethostname(), 200), ("evil.example", 421)):
            assert httpx.get(app.address, headers={"host": host}).status_code == status
