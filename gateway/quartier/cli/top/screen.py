"""The screen of ``quartier top``, by textual: shows a page, follows keys, and refreshes each second."""

import asyncio
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.events import Key
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from quartier.cli.top.daemon_view import SITE_SUBJECT, DaemonView
from quartier.cli.top.page_content import TopPage
from quartier.cli.top.table_lines import SORT_ORDERS, TableRow, render_sheet
from quartier.runtime.local_socket.questions import NoDaemon

if TYPE_CHECKING:
    from textual.worker import Worker

REFRESH_S = 1.0
NOTICE_S = 10.0
HEAD_SHARE = 0.4
FOOT_FROM_LINES = 16  # on a lower screen the rows are worth more
EX_INTERRUPTED, EX_TERMINATED = 130, 143
# Only what the terminal itself calls its colours: so it reads on any background, and without colours.
SCREEN_STYLE = """
Screen, Static, OptionList, Input, Footer { background: ansi_default; color: ansi_default; }
#head { height: auto; }
#news { height: auto; display: none; }
OptionList {
  height: 1fr; border: none; padding: 0; margin-top: 1;
  scrollbar-size-vertical: 1; scrollbar-color: ansi_bright_black; scrollbar-background: ansi_default;
}
OptionList:focus { border: none; background-tint: transparent; }
OptionList > .option-list--option { padding: 0; }
OptionList > .option-list--option-disabled { color: ansi_default; text-style: bold; }
OptionList > .option-list--option-highlighted, OptionList:focus > .option-list--option-highlighted {
  color: ansi_default; background: ansi_default; text-style: none;
}
#more { height: auto; max-height: 2; }
#foot { height: auto; }
Input, Input:focus { height: 1; border: none; padding: 0; background-tint: transparent; }
Input { display: none; }
Input > .input--placeholder { color: ansi_default; text-style: dim; }
Input > .input--cursor { color: ansi_default; background: ansi_default; text-style: reverse; }
FooterKey { background: ansi_default; color: ansi_default; }
FooterKey .footer-key--key { background: ansi_default; color: ansi_default; text-style: bold; }
FooterKey .footer-key--description { background: ansi_default; color: ansi_default; }
Help { background: ansi_default; align: center middle; }
#help { width: 78; max-width: 100%; height: auto; padding: 0 1; border: solid ansi_default; }
"""
_HIGHLIGHT = Style(reverse=True)
HELP_TEXT = """\
Up Down Home End   move; Tab goes to the next table
Enter              look into a bus, a device or an asset
Esc or q           back; on the first page: leave
/                  only rows that hold some words; Esc shows all
s                  sort: as they stand, worst first, by name
p                  pause, and go on

slack       share of time in which a bus had nothing to do, over 10 s
late        the longest that a device waited for its turn, over 10 s
retries, time-outs   since the start; yellow while they rise
silent      no answer for 15 s or longer: its points are bad
set aside   three exchanges without an answer: asked less often
ordered     the last order, and whether the device took it: done, refused,
            unknown (sent again), expired (could not be sent in time)

Nothing can be changed here.  Any key closes this page."""


class HelpScreen(ModalScreen[None]):
    """The keys and the words; any key closes it."""

    def compose(self) -> ComposeResult:
        """Show the text in a frame."""
        yield Static(HELP_TEXT, id="help", markup=False)

    def on_key(self, event: Key) -> None:
        """Go back; the key has no meaning for the page below, which is on top again by then."""
        event.stop()
        event.prevent_default()
        self.dismiss()


class RowList(OptionList):
    """The tables as one list: headings cannot be picked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Open"),
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
    ]

    def render_line(self, y: int) -> Strip:
        """Turn the picked row round: that shows on any background, also without colours.

        (Textual drops ``text-style: reverse`` here, and a coloured word would become a coloured block.)
        Each row is one line.
        """
        strip = super().render_line(y)
        picked = self.highlighted is not None and self.scroll_offset.y + y == self.highlighted
        return Strip([Segment(strip.text, _HIGHLIGHT)], strip.cell_length) if picked else strip


class PageScreen(Screen[None]):
    """The page of one subject of the site, updated each second while it is on top."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("s", "sort", "Sort"),
        Binding("p", "pause", "Pause"),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "leave", "Back"),
        Binding("escape", "back", show=False),
        Binding("tab", "section", show=False),
    ]

    def __init__(
        self, runtime_dir: Path, subject: tuple[str, str] = SITE_SUBJECT, refresh_s: float = REFRESH_S
    ) -> None:
        super().__init__()
        self._runtime_dir = runtime_dir
        self._refresh_s = refresh_s
        self._daemon_view = DaemonView(runtime_dir, subject)
        self._page: TopPage | None = None
        self._rows: dict[str, TableRow] = {}
        self._drawn: list[tuple[str, Text]] = []
        self._order = SORT_ORDERS[0]
        self._paused = self._asking = False
        self._trouble = ""
        self._again_s = 0.0

    def compose(self) -> ComposeResult:
        """Sentences, tables, the picked row in full, sentences, keys."""
        yield Static(id="head", markup=False)
        yield Static(id="news", markup=False)
        yield RowList(id="rows", markup=False)
        yield Static(id="more", markup=False)
        yield Static(id="foot", markup=False)
        yield Input(placeholder="show only rows with …", id="words")
        yield Footer()

    def on_mount(self) -> None:
        """Look at once, and then each second."""
        self.query_one(RowList).focus()
        self.set_interval(self._refresh_s, self.look)
        self.look()

    def on_screen_resume(self) -> None:
        """Update the page: it is on top again and its content is old."""
        self.look()

    def on_resize(self) -> None:
        """Fit the tables to the new width."""
        self.call_after_refresh(self.draw)

    def look(self) -> None:
        """Ask the daemon, unless an answer is awaited, the page is hidden, or updates are paused."""
        if not (self._asking or self._paused) and self.is_active:
            self._asking = True
            # The function, not its coroutine: when the app ends now, no coroutine is left unawaited.
            _: Worker[None] = self.run_worker(self._refresh_page, exit_on_error=True)

    async def _refresh_page(self) -> None:
        before = self._daemon_view.run
        try:
            page = await asyncio.to_thread(self._daemon_view)
        except NoDaemon as closed:
            self._trouble = f"{closed}; what is shown is old, it is asked again each second"
        else:
            if before not in {None, self._daemon_view.run}:
                self._again_s = NOTICE_S
            self._page = page or self._page
            self._trouble = (
                ""
                if page
                else f"there is no {self._daemon_view.kind} {self._daemon_view.name}; Esc goes back"
            )
        finally:
            self._asking = False
        self._again_s = max(0.0, self._again_s - self._refresh_s)
        with suppress(NoMatches):  # the page was left during the request; its widgets are being removed
            self.draw()

    def draw(self) -> None:
        """Show the page that is known, filtered and sorted."""
        self._show_notices()
        if self._page is None:
            return
        self.query_one("#head", Static).update(self._fit_head(self._page.head))
        self.query_one("#foot", Static).update(Text("\n").join(self._page.foot))
        self.query_one("#foot").display = bool(self._page.foot) and self.size.height >= FOOT_FROM_LINES
        self._fill(list(self._lines(self._page)))
        self._show_details()

    def _fit_head(self, sentences: Sequence[Text]) -> Text:
        """Wrap the sentences; what the screen has no room for ends in a mark."""
        lines = Text("\n").join(sentences).wrap(self.app.console, self.size.width)
        count = max(1, int(HEAD_SHARE * self.size.height))
        if len(lines) > count:
            last = lines[count - 1]
            last.truncate(self.size.width - 1)
            last.append("…")
        return Text("\n").join(lines[:count])

    def _show_notices(self) -> None:
        words = self.query_one(Input).value
        news = [
            (self._trouble, "bold red"),
            ("the daemon was started again" if self._again_s else "", "bold yellow"),
            ("paused, p goes on" if self._paused else "", "bold yellow"),
            (f"only rows with {words!r}, Esc shows all" if words else "", "yellow"),
            (f"sorted {self._order}" if self._order != SORT_ORDERS[0] else "", "yellow"),
        ]
        shown = [Text(text, style=style) for text, style in news if text]
        found = self.query_one("#news", Static)
        found.update(Text(" · ").join(shown))
        found.display = bool(shown)

    def _lines(self, page: TopPage) -> Iterator[tuple[str, Text]]:
        words = self.query_one(Input).value
        width = self.size.width - 1  # of the scrollbar
        self._rows = {}
        for number, sheet in enumerate(page.sheets):
            found = sheet.filter_and_sort(words, self._order)
            if not found.rows:
                continue
            if self._rows:
                yield f"gap:{number}", Text("")
            head, *table = render_sheet(found, width)
            yield f"head:{number}", head
            for row, line in zip(found.rows, table, strict=True):
                if row.key not in self._rows:
                    self._rows[row.key] = row
                    yield row.key, line

    def _fill(self, new: list[tuple[str, Text]]) -> None:
        """Fill the table; where the same rows stand in the same order, draw only what changed."""
        table = self.query_one(RowList)
        if [key for key, _ in new] == [key for key, _ in self._drawn]:
            for (key, line), (_, old) in zip(new, self._drawn, strict=True):
                if line != old:
                    table.replace_option_prompt(key, line)
        else:
            picked = self._find_selected_id()
            table.clear_options()
            table.add_options(Option(line, id=key, disabled=key not in self._rows) for key, line in new)
            keys = [key for key, _ in new]
            if picked in self._rows:
                table.highlighted = keys.index(picked)
            elif self._rows:
                table.highlighted = keys.index(next(iter(self._rows)))
        self._drawn = new

    def _find_selected_id(self) -> str:
        option = self.query_one(RowList).highlighted_option
        return "" if option is None or option.id is None else option.id

    def _show_details(self) -> None:
        row = self._rows.get(self._find_selected_id())
        self.query_one("#more", Static).update(Text(row.more if row else "", style="dim"))

    def on_option_list_option_highlighted(self) -> None:
        """Say in full what a row had no room for; above the first row its heading is shown."""
        self._show_details()
        table = self.query_one(RowList)
        if table.highlighted is not None and table.highlighted <= 1:
            table.scroll_home(animate=False)

    def on_option_list_option_selected(self) -> None:
        """Look into what was picked."""
        row = self._rows.get(self._find_selected_id())
        if row is not None and row.page_subject is not None:
            self.app.push_screen(PageScreen(self._runtime_dir, row.page_subject, self._refresh_s))

    def on_input_changed(self) -> None:
        """Filter while it is typed."""
        self.draw()

    def on_input_submitted(self) -> None:
        """Keep the filter, and move on the rows again."""
        self._close_input()

    def _close_input(self) -> None:
        self.query_one(Input).display = False
        self.query_one(RowList).focus()

    def action_filter(self) -> None:
        """Ask for the words."""
        words = self.query_one(Input)
        words.display = True
        words.focus()

    def action_sort(self) -> None:
        """Take the next order."""
        self._order = SORT_ORDERS[(SORT_ORDERS.index(self._order) + 1) % len(SORT_ORDERS)]
        self.draw()

    def action_pause(self) -> None:
        """Stand still, or go on at once."""
        self._paused = not self._paused
        self.draw()
        self.look()

    def action_help(self) -> None:
        """Explain keys and words."""
        self.app.push_screen(HelpScreen())

    def action_section(self) -> None:
        """Go to the first row of the next table, from the last to the first."""
        table = self.query_one(RowList)
        keys = [key for key, _ in self._drawn]
        heads = [index for index, key in enumerate(keys) if key.startswith("head:")]
        if heads:
            here = table.highlighted or 0
            table.highlighted = next((index for index in heads if index > here), heads[0]) + 1

    def action_back(self) -> None:
        """Leave the filter, else the page."""
        words = self.query_one(Input)
        if words.value or words.has_focus:
            words.value = ""
            self._close_input()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Back to the page before; from the first one out."""
        if self._daemon_view.kind == SITE_SUBJECT[0]:
            self.app.exit(0)
        else:
            self.dismiss()


class FirstScreen(PageScreen):
    """The house: from here there is nothing to go back to."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "leave", "Quit")]


class TopApp(App[int]):
    """The whole of it; ends with its exit code."""

    CSS = SCREEN_STYLE
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "interrupted", show=False, priority=True)]

    def __init__(self, runtime_dir: Path, refresh_s: float = REFRESH_S) -> None:
        super().__init__(ansi_color=True)
        self._runtime_dir = runtime_dir
        self._refresh_s = refresh_s

    def on_mount(self) -> None:
        """Begin with the house; signals give the terminal back before they end us."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self.exit, EX_INTERRUPTED)
        loop.add_signal_handler(signal.SIGTERM, self.exit, EX_TERMINATED)
        self.push_screen(FirstScreen(self._runtime_dir, refresh_s=self._refresh_s))

    def action_interrupted(self) -> None:
        """End as Ctrl-C ends any command."""
        self.exit(EX_INTERRUPTED)
