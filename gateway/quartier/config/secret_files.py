"""Locations of secrets, and warnings about their files."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from quartier.config.checks.fault_text import FileFault
from quartier.config.sections.connection_sections import DistrictLinkSection
from quartier.config.sections.site_file import DeviceSection
from quartier_drivers.errors import ConfigError, Fault

CREDENTIAL_PREFIX = "credential:"
KeyPath = tuple[str | int, ...]
_SECRET_KEYS = ("password_file", "key_file")
_FILE_KEYS = (*_SECRET_KEYS, "ca_file", "cert_file", "issuers_file")


def find_secret_file(reference: str, environ: Mapping[str, str]) -> Path:
    """Return the file of a reference in the site file: a path, or ``credential:NAME`` of systemd.

    Raises ConfigError if a credential is meant but systemd gave none.
    """
    if not reference.startswith(CREDENTIAL_PREFIX):
        return Path(reference)
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        what = "systemd gave no credentials; expected LoadCredential= in the unit, or a path"
        raise ConfigError([Fault("site file", None, reference, what)])
    return Path(folder) / reference.removeprefix(CREDENTIAL_PREFIX)


def find_link_warnings(link: DistrictLinkSection) -> Iterator[FileFault]:
    """Warn of missing files, and of secrets that others may read; none of it prevents a start."""
    for key in _FILE_KEYS:
        yield from _find_file_warnings(
            ("district_link", key), getattr(link, key), is_secret=key in _SECRET_KEYS
        )
    if link.issuers_file is None and not link.root_keys:
        is_open = link.watermark_unsigned or not link.watermark
        what = "no document" if is_open else "no document and no watermark"
        yield FileFault(
            ("district_link", "issuers_file"), f"is missing; {what} of the district will be accepted"
        )


def find_key_file_warnings(devices: Mapping[str, DeviceSection]) -> Iterator[FileFault]:
    """Warn in the same way of the keys of meters that encrypt."""
    for name, device in devices.items():
        yield from _find_file_warnings(("devices", name, "key_file"), device.key_file, is_secret=True)


def find_login_warnings(buses: Mapping[str, Any]) -> Iterator[FileFault]:
    """Warn in the same way of logins at servers, and of insecure settings there."""
    for name, bus in buses.items():
        for key, is_secret in (("password_file", True), ("user_key_file", True), ("user_cert_file", False)):
            yield from _find_file_warnings(("buses", name, key), getattr(bus, key, None), is_secret=is_secret)
        if weakness := getattr(bus, "weakness", ""):
            yield FileFault(("buses", name), f"is not secure: {weakness}")


def _find_file_warnings(place: KeyPath, reference: str | None, *, is_secret: bool) -> Iterator[FileFault]:
    if reference is None or reference.startswith(CREDENTIAL_PREFIX):
        return
    path = Path(reference)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        yield FileFault(place, f"{path} cannot be used: {error.strerror}")
        return
    if not stat.S_ISREG(mode):
        yield FileFault(place, f"{path} is no file")
    elif is_secret and mode & (stat.S_IRWXO | stat.S_IWGRP):
        shown = stat.S_IMODE(mode)
        what = f"{path} is open to others (mode {shown:04o}); expected chmod 0640 or tighter"
        yield FileFault(place, what)
