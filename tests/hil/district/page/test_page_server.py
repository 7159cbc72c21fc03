import http.client
import json
import urllib.error
import urllib.request

import pytest

from quartier_district.page.page_server import LivePage


@pytest.fixture
def page():
    made = LivePage(0, {"/open/load.csv": lambda: ("text/csv", "start\n")})
    made.open()
    yield made
    made.close()


def test_the_page_and_all_that_it_loads_come_from_here_and_nowhere_else(page):
    text = urllib.request.urlopen(page.url, timeout=60).read().decode()

    for part in ("live.css", "live.js", "uplot.js", "uplot.css"):
        assert f'"/{part}"' in text
        assert urllib.request.urlopen(page.url + part, timeout=60).read()
    assert "//" not in text.replace("<!doctype", "").replace("</", "<")
    with urllib.request.urlopen(page.url, timeout=60) as answer:
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")


def test_a_browser_that_looks_on_hears_the_newest_state_and_each_one_after_it(page):
    page.stage.show({"load_w": 1})
    with urllib.request.urlopen(page.url + "live", timeout=60) as stream:
        assert "text/event-stream" == stream.headers["Content-Type"]
        assert [b"retry: 2000\n", b"\n", b'data: {"load_w":1}\n', b"\n"] == [
            stream.readline() for _ in range(4)
        ]
        page.stage.show({"load_w": 2})
        assert {"load_w": 2} == json.loads(stream.readline().removeprefix(b"data: "))


def test_a_page_of_somebody_else_and_a_path_that_is_not_there_are_refused(page):
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=60)
    connection.request("GET", "/", headers={"Host": f"evil.example:{page.port}"})
    assert 403 == connection.getresponse().status
    connection.close()
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(page.url + "live.py", timeout=60)
    assert b"start\n" == urllib.request.urlopen(page.url + "open/load.csv", timeout=60).read()


def test_only_so_many_may_look_on_at_once(page):
    taken = [page.stage.change_stream_count(1) for _ in range(21)]

    assert [True] * 20 + [False] == taken
    with pytest.raises(urllib.error.HTTPError, match="503"):
        urllib.request.urlopen(page.url + "live", timeout=60)
