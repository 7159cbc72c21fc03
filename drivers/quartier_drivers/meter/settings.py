"""What a protocol's decoder can be told by a profile: the table ``[decoder]``, one model a protocol.

The keys are the keywords of ``quartier_drivers.meter.<protocol>.decoder``.
"""

from quartier_drivers.schema import Section


class TicSettings(Section):
    """Linky TIC."""


class P1Settings(Section):
    """DSMR P1."""


class Iec62056Settings(Section):
    """IEC 62056-21."""


class SmlSettings(Section):
    """Smart Message Language."""


class DlmsSettings(Section):
    """DLMS/COSEM."""


class MbusSettings(Section):
    """Wired M-Bus."""


SETTINGS: dict[str, type[Section]] = {
    "tic": TicSettings,
    "p1": P1Settings,
    "iec62056": Iec62056Settings,
    "sml": SmlSettings,
    "dlms": DlmsSettings,
    "mbus": MbusSettings,
}
