"""What a protocol's decoder can be told by a profile: the table ``[decoder]``, one model a protocol.

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
    """How the block check is made: as the standard has it, added up, or not to be looked at."""
    speed_max: Literal[300, 600, 1200, 2400, 4800, 9600, 19200] = 19200
    """Highest speed that is asked for."""
    wake_count: Annotated[int, Field(ge=0, le=400)] = 0
    """How many NULs wake a meter that runs on a battery."""


class SmlSettings(Section):
    """Smart Message Language."""

    checksum: Literal["x25", "kermit"] = "x25"
    """Which CRC the meter makes; with ``kermit`` that of the standard is good, too."""
    defects: Annotated[tuple[Literal["unsigned-power", "narrow-power"], ...], Strict(False)] = ()
    """What is known to be wrong in what it says: see ``sml/defects.py``."""


class DlmsSettings(Section):
    """DLMS/COSEM; all but ``defects`` is for meters that are asked."""

    defects: Annotated[tuple[Literal["energy-in-wh"], ...], Strict(False)] = ()
    """What is known to be wrong in what it pushes: counters in Wh where its list has 10 Wh."""
    transport: Literal["auto", "hdlc", "wrapper"] = "auto"
    """What carries requests; ``auto`` takes the wrapper over TCP."""
    logical: Annotated[int, Field(ge=1, le=0x3FFF)] = 1
    """Its logical device, over TCP its port in the wrapper."""
    address_size: Literal[0, 1, 2, 4] = 0
    """Bytes of its HDLC address; 0: as few as will do."""
    is_optical: bool = False
    """Whether it is woken through an optical head first (IEC 62056-21 mode E)."""
    title: Annotated[str, Field(pattern="[0-9A-Fa-f]{16}")] = "5154520000000001"
    """Our system title where keys are used."""
    is_ciphered: bool = False
    """Whether requests and answers are encrypted and authenticated."""
    counter: str = ""
    """The object that tells everybody the last invocation counter, such as 0-0:43.1.0."""
    classes: Mapping[str, Literal["data", "register", "extended", "demand", "profile", "clock"]] = {}
    """Of which class an object is, where its name does not tell."""
    rows: Annotated[int, Field(ge=1, le=4096)] = 96
    """How many rows of a load curve are read the first time."""
    wait_s: Annotated[float, Field(gt=0, le=30)] = 2.0
    """How long an answer may take."""


class MbusSettings(Section):
    """Wired M-Bus."""

    reset: Literal["link", "none"] = "link"
    """Whether the link is reset before a reading, so that the meter begins with its first telegram."""
    application: Annotated[int, Field(ge=-1, le=255)] = -1
    """Subcode of an application reset before a reading, which lets some tell other telegrams; -1: none."""
    telegrams_max: Annotated[int, Field(ge=1, le=100)] = 16
    """How many telegrams a reading has at most."""


SETTINGS: dict[str, type[Section]] = {
    "tic": TicSettings,
    "p1": P1Settings,
    "iec62056": Iec62056Settings,
    "sml": SmlSettings,
    "dlms": DlmsSettings,
    "mbus": MbusSettings,
}
