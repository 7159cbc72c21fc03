"""The settings that a profile can give to a decoder: the table ``[decoder]``, one model per protocol.

The keys are the keywords of ``quartier_drivers.meter.<protocol>.decoder``.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, Strict

from quartier_drivers.schema import Section


class TicSettings(Section):
    """Linky TIC."""


class P1Settings(Section):
    """DSMR P1."""


class Iec62056Settings(Section):
    """IEC 62056-21."""

    bcc: Literal["xor", "sum", "none"] = "xor"
    """How the block check is made: by the standard, as a sum, or not checked."""
    speed_max: Literal[300, 600, 1200, 2400, 4800, 9600, 19200] = 19200
    """Highest speed that is requested."""
    wake_count: Annotated[int, Field(ge=0, le=400)] = 0
    """Number of NULs that wake a meter with a battery."""


class SmlSettings(Section):
    """Smart Message Language."""

    checksum: Literal["x25", "kermit"] = "x25"
    """The CRC of the meter; with ``kermit`` the CRC of the standard is accepted too."""
    defects: Annotated[tuple[Literal["unsigned-power", "narrow-power"], ...], Strict(False)] = ()
    """Known defects of its telegrams: see ``sml/defects.py``."""


class DlmsSettings(Section):
    """DLMS/COSEM; all but ``defects`` is for meters that are polled."""

    defects: Annotated[tuple[Literal["energy-in-wh"], ...], Strict(False)] = ()
    """Known defects of what it pushes: counters in Wh where its list says 10 Wh."""
    transport: Literal["auto", "hdlc", "wrapper"] = "auto"
    """The transport of requests; ``auto`` takes the wrapper over TCP."""
    logical: Annotated[int, Field(ge=1, le=0x3FFF)] = 1
    """Its logical device, over TCP its port in the wrapper."""
    address_size: Literal[0, 1, 2, 4] = 0
    """Bytes of its HDLC address; 0: as few as possible."""
    is_optical: bool = False
    """Whether it is woken through an optical head first (IEC 62056-21 mode E)."""
    title: Annotated[str, Field(pattern="[0-9A-Fa-f]{16}")] = "5154520000000001"
    """Our system title where keys are used."""
    is_ciphered: bool = False
    """Whether requests and answers are encrypted and authenticated."""
    counter: str = ""
    """The object with the last invocation counter, readable by everybody, such as 0-0:43.1.0."""
    classes: Mapping[str, Literal["data", "register", "extended", "demand", "profile", "clock"]] = {}
    """The class of an object whose name does not tell it."""
    rows: Annotated[int, Field(ge=1, le=4096)] = 96
    """Number of rows of a load curve that are read the first time."""
    wait_s: Annotated[float, Field(gt=0, le=30)] = 2.0
    """Longest time for an answer, in s."""


class MbusSettings(Section):
    """Wired M-Bus."""

    reset: Literal["link", "none"] = "link"
    """Whether the link is reset before a reading, so that the meter begins with its first telegram."""
    application: Annotated[int, Field(ge=-1, le=255)] = -1
    """Subcode of an application reset before a reading, which makes some send other telegrams; -1: none."""
    telegrams_max: Annotated[int, Field(ge=1, le=100)] = 16
    """Largest number of telegrams in a reading."""


SETTINGS: dict[str, type[Section]] = {
    "tic": TicSettings,
    "p1": P1Settings,
    "iec62056": Iec62056Settings,
    "sml": SmlSettings,
    "dlms": DlmsSettings,
    "mbus": MbusSettings,
}
