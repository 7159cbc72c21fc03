"""The page for other people's controllers: each of its examples is run, and ends as the page shows it."""

import asyncio
import os
import re
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[4] / "hil/docs/own-controller.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What pytest adds to seconds that are more than a minute.
MINUTES = re.compile(r" \(\d+:\d+:\d+\)$")
NUMBER = re.compile(r"\d+(?:[.:]\d+)*")
PORTS = ("15020", "15021")


def _files() -> dict[str, str]:
    """The files of the page: blocks that begin with their own name."""
    named = [
        (block.split()[1], block) for kind, block in BLOCK.findall(PAGE.read_text()) if kind != "console"
    ]
    assert len(named) == len(dict(named))
    return dict(named)


def _shown() -> list[tuple[str, str]]:
    """Each command that the page shows, with what it said."""
    consoles = (block for kind, block in BLOCK.findall(PAGE.read_text()) if kind == "console")
    return [
        (first.removeprefix("$ "), rest) for first, _, rest in (block.partition("\n") for block in consoles)
    ]


def _alike(text: str) -> list[str]:
    """What was said without its figures: times and watts are those of one run; exit codes stay."""
    return [
        line if line.startswith("exit code") else " ".join(NUMBER.sub("#", MINUTES.sub("", line)).split())
        for line in text.splitlines()
    ]


def _free_ports(count: int) -> list[str]:
    """Different ones: one that is let go may be drawn again."""
    with ExitStack() as held:
        found = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [str(one.getsockname()[1]) for one in found]


async def _run(folder: Path, command: str) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_shell(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path, "COLUMNS": "80", "PYTHONWARNINGS": "ignore"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 240)
    return said.decode()


def _laid(folder: Path) -> None:
    """Every file of the page, at ports that are free here."""
    ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
    for name, text in _files().items():
        for port, free in ports.items():
            text = text.replace(port, free)  # noqa: PLW2901 - one after the other
        (folder / name).write_text(text)


@pytest.mark.daemon
@pytest.mark.parametrize("kind", ["check-shop.sh", "test_boiler.py", "check-linky.sh"])
async def test_an_example_fails_with_the_first_controller_and_passes_with_the_second(kind, tmp_path):
    shown = [(command, said) for command, said in _shown() if kind in command]
    first, second = shown
    assert ("exit code 1", "exit code 0") == (first[1].splitlines()[-1], second[1].splitlines()[-1])

    async def found(command: str, name: str) -> list[str]:
        folder = tmp_path / name
        folder.mkdir()
        _laid(folder)
        return _alike(await _run(folder, command))

    heard = await asyncio.gather(found(first[0], "first"), found(second[0], "second"))
    assert [_alike(first[1]), _alike(second[1])] == heard


def test_every_command_of_the_page_that_has_an_end_is_run_above():
    others = [
        command for command, _ in _shown() if not re.search(r"check-shop|test_boiler|check-linky", command)
    ]

    assert ["cat rig.log"] == others


def test_the_page_names_every_way_of_failing_and_every_word_of_a_line():
    from quartier_sim.building.control_protocol import VERB_WORD_COUNTS  # noqa: PLC0415 - as above
    from quartier_sim.devices.device_faults import FAULT_KINDS  # noqa: PLC0415 - beside what it is held against

    text = PAGE.read_text()
    assert not [kind for kind in FAULT_KINDS if kind not in text]
    assert not [verb for verb in VERB_WORD_COUNTS if not re.search(rf"`{verb}\b", text) and verb != "help"]
