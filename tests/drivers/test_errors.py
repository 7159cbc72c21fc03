"""Errors say where, what and what was expected."""

import socket
import termios

import pytest

from quartier_drivers.errors import (
    ConfigError,
    Fault,
    LinkLost,
    NoReply,
    QuartierError,
    Refused,
    WireError,
    describe_os_error,
)


def test_a_config_error_tells_every_fault_on_a_line_of_its_own() -> None:
    error = ConfigError([Fault("site.toml", 3, "a.b", "is missing"), Fault("site.toml", None, "c", "is odd")])

    assert "site.toml:3: a.b: is missing\nsite.toml: c: is odd" == str(error)


def test_what_happens_on_a_wire_can_be_told_from_what_is_wrong_in_a_file() -> None:
    assert all(issubclass(kind, WireError) for kind in (LinkLost, NoReply, Refused))
    assert issubclass(ConfigError, QuartierError)
    assert not issubclass(ConfigError, WireError)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
        (FileNotFoundError(2, "No such file or directory", "/gone"), "No such file or directory"),
        (OSError(21, "could not open port /tmp: [Errno 21] Is a directory: '/tmp'"), "Is a directory"),
        (OSError("Multiple exceptions"), "Multiple exceptions"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (termios.error(25, "Inappropriate ioctl for device"), "Inappropriate ioctl for device"),
    ],
)
def test_an_error_of_the_system_is_told_without_its_number(error: Exception, words: str) -> None:
    assert words == describe_os_error(error)
