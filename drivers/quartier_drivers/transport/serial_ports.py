"""Serial ports: found by their adapter and opened exclusively; the only user of pyserial."""

import contextlib
import errno
import os
import termios

import serial
from serial.tools import list_ports

from quartier_drivers.errors import LinkLost, describe_os_error

SerialPort = serial.Serial
"""An open port; bytes go through its file descriptor."""


def open_port(where: str, baud: int, framing: str = "8N1") -> SerialPort:
    """Open a port, non-blocking and exclusive.  Raises LinkLost with the reason.

    ``where`` is a path, ``usb:SERIAL`` or ``usb:LOCATION``; ``framing`` is data bits, parity and stop bits.
    An adapter that was plugged in anew, and a pty whose parity was set before, refuse once (termios error
    22): the port is then opened again from another setting.
    """
    path = find_port_path(where)
    try:
        return _open_path(path, baud, framing)
    except LinkLost as lost:
        if getattr(lost.__cause__, "args", ())[:1] != (errno.EINVAL,):
            raise
    close_port(_open_path(path, 9600 if baud != 9600 else 2400, "8N1"))
    return _open_path(path, baud, framing)


def _open_path(path: str, baud: int, framing: str) -> SerialPort:
    port = serial.Serial(
        baudrate=baud,
        bytesize=int(framing[0]),
        parity=framing[1],
        stopbits=int(framing[2]),
        timeout=0,
        exclusive=True,
    )
    port.port = path
    try:
        port.open()
    except (OSError, ValueError, termios.error) as error:
        raise LinkLost(f"{path} {_explain_opening(error)}") from error
    return port


_NO_PORT = "is no serial port; `ls -l /dev/serial/by-id` lists those of USB adapters"
_NO_RIGHT = "may not be opened by this user; the group dialout may: `sudo usermod -aG dialout USER`"
_OPENING_PROBLEMS = {
    os.strerror(number): words
    for number, words in (
        (errno.EAGAIN, "is in use by another program"),
        (errno.EBUSY, "is in use by another program"),
        (errno.ENOTTY, _NO_PORT),
        (errno.EISDIR, _NO_PORT),
        (errno.EACCES, _NO_RIGHT),
        (errno.EPERM, _NO_RIGHT),
    )
}


def _explain_opening(error: Exception) -> str:
    """Explain why a port cannot be opened, with the next step where one is known."""
    why = describe_os_error(error)
    return _OPENING_PROBLEMS.get(why, f"cannot be opened: {why}")


def is_port_present(where: str) -> bool:
    """Return whether the port is plugged in; it may still be in use by another program."""
    try:
        find_port_path(where)
    except LinkLost:
        return False
    return True


def change_port(port: SerialPort, baud: int, framing: str) -> None:
    """Change the settings of an open port.  Raises LinkLost if the adapter refuses or is gone."""
    try:
        port.apply_settings(
            {
                "baudrate": baud,
                "bytesize": int(framing[0]),
                "parity": framing[1],
                "stopbits": int(framing[2]),
            }
        )
    except (OSError, ValueError, termios.error) as error:
        raise LinkLost(f"{port.port} does not take {baud} {framing}: {describe_os_error(error)}") from error


def close_port(port: SerialPort) -> None:
    """Close a port; its adapter may be gone already."""
    with contextlib.suppress(OSError, termios.error):
        port.close()


def set_low_latency(port: SerialPort) -> None:
    """Make the adapter pass on each byte at once, if it has that flag."""
    with contextlib.suppress(OSError, ValueError):
        port.set_low_latency_mode(True)


def find_port_path(port: str) -> str:
    """Return the path of a port given as a path, ``usb:SERIAL`` or ``usb:LOCATION``.

    Raises LinkLost, saying which ports are present instead.
    """
    if not port.startswith("usb:"):
        if os.path.exists(port):  # noqa: PTH110 - a Path would do no more
            return port
        raise LinkLost(f"{port} is not there; {_list_present()}")
    wanted = port.removeprefix("usb:")
    for found in list_ports.comports():
        if wanted in (found.serial_number, found.location):
            return str(found.device)
    raise LinkLost(f"no serial adapter {port} is plugged in; {_list_present()}")


def _list_present() -> str:
    found = [
        f"{port.device} (usb:{port.serial_number or port.location}, {port.description})"
        for port in list_ports.comports()
        if port.vid is not None
    ]
    return f"there is {', '.join(found)}" if found else "there is no USB serial adapter at all"
