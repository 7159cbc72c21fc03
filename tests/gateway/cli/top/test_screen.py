"""The screen by textual's pilot at a real desk, and once on a real pseudo terminal."""

import contextlib
import re
import signal
import time

import pytest
from textual.widgets import Input, Static

from quartier.cli.top.screen import HelpScreen, PageScreen, RowList, TopApp

# ECMA-48 and xterm: the alternate screen and the cursor, there and back; a colour of any kind.
INTO_SCREEN, OUT_OF_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"
CURSOR_GONE, CURSOR_BACK = b"\x1b[?25l", b"\x1b[?25h"
COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")
REFRESH_S = 0.1
REVERSE = re.compile(rb"\x1b\[(?:\d+;)*7(?:;\d+)*m")


class Person:
    """Looks at the screen, presses keys, and waits until something is to be seen."""

    def __init__(self, app, pilot):
        self.app, self.pilot = app, pilot

    @property
    def text(self):
        """Everything on the screen, as lines."""
        width, height = self.app.size
        rows = self.app.screen._compositor.render_strips()
        assert (width, height) == (rows[0].cell_length, len(rows))
        return "\n".join("".join(segment.text for segment in row).rstrip() for row in rows)

    @property
    def picked(self):
        option = self.app.screen.query_one(RowList).highlighted_option
        return None if option is None else option.id

    async def press(self, *keys):
        await self.pilot.press(*keys)

    async def until(self, condition):
        end_s = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end_s, f"{self.picked!r} is picked in\n{self.text}"
            await self.pilot.pause(0.02)

    async def sees(self, words):
        await self.until(lambda: words in self.text)

    async def is_on(self, key):
        await self.until(lambda: self.picked == key)


@pytest.fixture
def person(answers, serving, tmp_path):
    """``async with person((80, 24)) as someone``: at a screen of this size, before a desk."""
    known, about, _ = answers

    @contextlib.asynccontextmanager
    async def looks(size=(80, 24)):
        app = TopApp(tmp_path, REFRESH_S)
        async with serving(known, about), app.run_test(size=size) as pilot:
            someone = Person(app, pilot)
            await someone.sees("CONTROLLED")
            yield someone

    return looks


async def test_all_of_a_small_house_is_seen_on_80_by_24(person):
    async with person() as someone:
        for words in (
            "b012 of issy   up 2 h",
            "CONTROLLED for 65 s: heartbeat and documents",
            "import at most 5,000 W: envelope dso e1",
            "bat1    -1,200 W  0.3 s  good        61 %  -1,180 W  done     self-consumption",
            "lan  open    88 %  10 ms",
            "gx      good        0      0.2 s  Victron Energy GX c0619",
            "no district in the site file",
            "history 12.3 MB",
            "8,000 cycles",
            "? Help  q Quit",
        ):
            await someone.sees(words)
        assert "…" not in someone.text


async def test_a_head_that_has_no_room_ends_in_a_mark(person, status):
    text = (
        "a bus is down: every device on it counts as silent, by its own row; the other buses keep their rate"
    )
    status["control"]["alarms"] = [text] * 5
    async with person((46, 24)) as someone:
        await someone.sees("alarm: a bus is down")
        head = someone.text.split("\n")[:9]

        assert all(line.strip() for line in head)
        assert ["…" in line for line in head] == [False] * 8 + [True]


async def test_enter_looks_into_an_asset_a_bus_and_its_device_and_escape_comes_back(person):
    async with person() as someone:
        await someone.is_on("asset:bat1")
        await someone.press("enter")
        await someone.sees("battery bat1 of tier D")
        await someone.sees("given back")
        await someone.press("escape")
        await someone.is_on("asset:bat1")

        await someone.press("tab")
        await someone.is_on("bus:lan")
        await someone.press("enter")
        await someone.sees("since the start · 900 requests · 2 retries")
        await someone.press("enter")
        await someone.sees("device gx good on lan")
        await someone.sees("holding:842")
        await someone.press("down")
        await someone.sees("written 7 of 24 times today")
        await someone.press("enter")
        await someone.press("q", "q")
        await someone.is_on("bus:lan")


async def test_it_asks_again_and_again_for_the_page_on_top_alone(person, answers):
    _, _, asked = answers
    async with person() as someone:
        await someone.press("tab", "enter")
        await someone.sees("since the start")
        await someone.until(lambda: [("bus", "lan")] * 3 == asked[-3:])


async def test_the_picked_row_stays_picked_when_rows_come_and_go(person, status):
    async with person() as someone:
        await someone.press("down")
        await someone.is_on("asset:boiler")
        status["control"]["assets"] = {
            "a1": status["control"]["assets"]["boiler"],
            **status["control"]["assets"],
        }
        await someone.sees("a1")
        assert "asset:boiler" == someone.picked

        del status["control"]["assets"]["boiler"]
        await someone.is_on("asset:a1")


async def test_a_filter_picks_rows_and_escape_shows_all_again(person):
    async with person() as someone:
        await someone.press("slash", *"boil")
        await someone.sees("only rows with 'boil'")
        assert "bat1" not in someone.text
        await someone.press("escape")
        await someone.sees("bat1")

        await someone.press("slash", *"boil", "enter")
        await someone.sees("only rows with 'boil'")
        assert not someone.app.screen.query_one(Input).display
        await someone.is_on("asset:boiler")
        await someone.press("escape")
        await someone.sees("bat1")


async def test_sorting_brings_the_worst_up(person, status):
    status["written"]["bat1.setpoint_w"]["verdict"] = "expired"
    async with person() as someone:
        await someone.press("s")
        await someone.sees("sorted worst first")
        assert someone.text.index("\nboiler") < someone.text.index("\nbat1")
        await someone.press("s", "s")
        assert someone.text.index("\nbat1") < someone.text.index("\nboiler")


async def test_paused_it_asks_nothing_and_goes_on_at_once(person, answers, status):
    _, _, asked = answers
    async with person() as someone:
        await someone.press("p")
        await someone.sees("paused, p goes on")
        await someone.until(lambda: not someone.app.screen._asking)  # what was asked before is answered
        asked.clear()
        someone.app.screen.look()
        await someone.pilot.pause()
        assert [] == asked

        status["cycles"]["count"] = 8001
        await someone.press("p")
        await someone.sees("8,001 cycles")


@pytest.mark.parametrize("key", ["x", "escape", "q", "p", "s", "slash", "question_mark"])
async def test_help_explains_and_any_key_closes_it_and_does_nothing_else(person, key):
    async with person() as someone:
        await someone.press("question_mark")
        await someone.sees("Nothing can be changed here.")
        assert isinstance(someone.app.screen, HelpScreen)
        await someone.press(key)
        await someone.pilot.pause()
        assert isinstance(someone.app.screen, PageScreen)
        assert someone.app.return_code is None
        await someone.sees("bat1")
        assert not re.search("paused|sorted|rows with", someone.text)


async def test_it_says_that_the_daemon_is_gone_and_that_it_was_started_again(
    answers, serving, status, tmp_path
):
    known, about, _ = answers
    app = TopApp(tmp_path, REFRESH_S)
    async with app.run_test(size=(80, 24)) as pilot:
        someone = Person(app, pilot)
        await someone.sees("no daemon answers")
        async with serving(known, about):
            await someone.sees("bat1")
            assert "no daemon answers" not in someone.text
        await someone.sees("no daemon answers")
        assert "bat1" in someone.text, "what was known is still shown"

        status["gateway"]["boot"] = 8
        async with serving(known, about):
            await someone.sees("the daemon was started again")
            assert "no daemon answers" not in someone.text


async def test_a_thing_that_left_the_site_file_says_so(person, status):
    async with person() as someone:
        await someone.press("enter")
        await someone.sees("battery bat1")
        del status["control"]["assets"]["bat1"]
        await someone.sees("there is no asset bat1; Esc goes back")


async def test_texts_of_devices_are_no_markup(person, status):
    status["buses"][0]["devices"][0]["identity"]["model"] = "[red]GX[/nonsense"
    async with person((120, 40)) as someone:
        await someone.sees("[red]GX[/nonsense")


async def test_a_very_small_screen_still_shows_rows(person):
    async with person((50, 12)) as someone:
        await someone.sees("bat1")
        await someone.press("down")
        await someone.is_on("asset:boiler")
        assert "boiler" in someone.text


async def test_a_larger_screen_shows_more_columns(person):
    async with person() as someone:
        assert "tier" not in someone.text
        await someone.pilot.resize_terminal(120, 40)
        await someone.sees("tier")
        assert isinstance(someone.app.screen.query_one("#head"), Static)


@pytest.mark.parametrize(("keys", "code"), [(("q",), 0), (("escape",), 0), (("ctrl+c",), 130)])
async def test_it_ends_with_the_code_of_how_it_was_ended(keys, code, person):
    async with person() as someone:
        await someone.press(*keys)
    assert code == someone.app.return_value


async def test_on_a_real_terminal_it_comes_refreshes_and_gives_the_screen_back(
    answers, serving, status, terminal
):
    known, about, _ = answers
    async with serving(known, about):
        watching = terminal("top")
        await watching.until(lambda: b"8,000 cycles" in watching.screen)
        status["cycles"]["count"] = 8001
        await watching.until(lambda: b"8,001" in watching.screen)
    await watching.until(lambda: b"no daemon answers" in watching.screen)
    async with serving(known, about):
        watching.signal(signal.SIGINT)
        assert 130 == await watching.ended()

    assert watching.screen.rindex(OUT_OF_SCREEN) > watching.screen.rindex(INTO_SCREEN)
    assert watching.screen.rindex(CURSOR_BACK) > watching.screen.rindex(CURSOR_GONE)
    assert b"Traceback" not in watching.screen
    assert COLOUR.search(watching.screen)


async def test_without_colours_there_are_none_and_q_leaves_well(answers, serving, terminal):
    known, about, _ = answers
    async with serving(known, about):
        watching = terminal("top", NO_COLOR="1")
        await watching.until(lambda: b"8,000 cycles" in watching.screen)
        watching.type(b"q")
        assert 0 == await watching.ended()

    assert not COLOUR.search(watching.screen)
    assert REVERSE.search(watching.screen), "the picked row is turned round"


@pytest.fixture
def hang_up_ignored():
    """As under ``nohup``: children inherit it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    "hang_up",
    [lambda watching: watching.hang_up(), lambda watching: watching.signal(signal.SIGHUP)],
    ids=["terminal gone", "signal"],
)
@pytest.mark.usefixtures("hang_up_ignored")
async def test_a_terminal_that_is_hung_up_ends_it(hang_up, answers, serving, terminal):
    known, about, _ = answers
    async with serving(known, about):
        watching = terminal("top")
        await watching.until(lambda: INTO_SCREEN in watching.screen and b"8,000 cycles" in watching.screen)
        hang_up(watching)
        assert -signal.SIGHUP == await watching.ended()
