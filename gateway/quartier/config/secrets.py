"""Where secrets lie; they are never in the site file, and never printed."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from quartier.config.faults import Flaw
from quartier.config.model import DistrictLink
from quartier_drivers.errors import ConfigError, Fault

CREDENTIAL = "credential:"
_SECRET = ("password_file", "key_file")
_FILES = (*_SECRET, "ca_file", "cert_file", "issuers_file")


def locate(reference: str, environ: Mapping[str, str]) -> Path:
    """The file that a reference of the site file means: a path, or ``credential:NAME`` of systemd.

    Raises ConfigError when a credential is meant but systemd gave none.
    """
    if not reference.startswith(CREDENTIAL):
        return Path(reference)
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        what = "systemd gave no credentials; expected LoadCredential= in the unit, or a path"
        raise ConfigError([Fault("site file", None, reference, what)])
    return Path(folder) / reference.removeprefix(CREDENTIAL)


def warnings_about(link: DistrictLink) -> Iterator[Flaw]:
    """Files that are not there, and secrets that others may read; none of it stops a start."""
    for key in _FILES:
        reference = getattr(link, key)
        if reference is None or reference.startswith(CREDENTIAL):
            continue
        path = Path(reference)
        try:
            mode = path.stat().st_mode
        except OSError as error:
            yield Flaw(("district_link", key), f"{path} cannot be used: {error.strerror}")
            continue
        if not stat.S_ISREG(mode):
            yield Flaw(("district_link", key), f"{path} is no file")
        elif key in _SECRET and mode & (stat.S_IRWXO | stat.S_IWGRP):
            shown = stat.S_IMODE(mode)
            what = f"{path} is open to others (mode {shown:04o}); expected chmod 0640 or tighter"
            yield Flaw(("district_link", key), what)
    if link.issuers_file is None:
        yield Flaw(
            ("district_link", "issuers_file"), "is missing; no document of the district will be accepted"
        )
