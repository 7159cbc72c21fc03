"""``quartier top``: the screen on a terminal, one plain snapshot anywhere else."""

import argparse
import os
import select
import signal
import sys
import threading

from quartier.cli.operation.gateway_status import report_no_daemon
from quartier.cli.rendering import output
from quartier.cli.top.daemon_view import DaemonView
from quartier.cli.top.page_content import TopPage
from quartier.cli.top.table_lines import render_sheet
from quartier.runtime.local_socket.questions import NoDaemon

SNAPSHOT_CHARS = 160
SNAPSHOT_INTERVAL_S = 1.0


def run_top(options: argparse.Namespace) -> int:
    """Follow the daemon until q or Ctrl-C (130); exit 69 when none answers at the start.

    Without a terminal it looks twice, since a rate needs two looks, and prints the second.
    """
    visit = DaemonView(options.runtime_dir)
    try:
        found = visit()
        if not _has_screen():
            threading.Event().wait(SNAPSHOT_INTERVAL_S)
            found = visit() or found
    except NoDaemon as closed:
        return report_no_daemon(closed)
    if _has_screen():
        from quartier.cli.top.screen import TopApp  # noqa: PLC0415 - textual is loaded where it is shown

        _end_with_terminal()
        return TopApp(options.runtime_dir).run(mouse=False) or 0
    assert found is not None, "there always is a house"
    _print_page(found)
    return 0


def _end_with_terminal() -> None:
    """Have SIGHUP end this process, and raise it once the terminal is gone.

    A parent that ignores SIGHUP (``nohup``, some CI runners) passes that on.  Without a controlling terminal,
    the kernel sends no SIGHUP at all.  Textual would then read the end of its input in an endless loop.
    """
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    threading.Thread(target=_await_hang_up, args=(sys.stdin.fileno(),), name="hang-up", daemon=True).start()


def _await_hang_up(terminal: int) -> None:
    poll = select.poll()
    poll.register(terminal, 0)  # no event mask: poll reports a hang-up always, and input only on request
    poll.poll()
    signal.raise_signal(signal.SIGHUP)


def _has_screen() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _print_page(page: TopPage) -> None:
    console = output.make_console()
    width = console.width if sys.stdout.isatty() else SNAPSHOT_CHARS
    for line in page.head:
        console.print(line)
    for sheet in page.sheets:
        if sheet.rows:
            console.print("", *render_sheet(sheet, width), sep="\n")
    console.print("", *page.foot, sep="\n")
