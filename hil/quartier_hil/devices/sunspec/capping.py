"""The cap of an inverter: models 123 and 704, with the standby that a cap of zero sends some of them into."""

from collections.abc import Callable
from math import inf

from quartier_hil.devices.sunspec.device import SunSpec
from quartier_hil.devices.sunspec.measured import Generation, power_scale

CAP_123 = {
    "Conn": 1,
    "Conn_RvrtTms": 0,
    "WMaxLimPct": 10_000,
    "WMaxLimPct_RvrtTms": 0,
    "WMaxLim_Ena": 0,
    "OutPFSet": 100,
    "OutPFSet_Ena": 0,
    "VArPct_Ena": 0,
    "WMaxLimPct_SF": -2,
    "OutPFSet_SF": -2,
}
"""Model 123 at rest: no window, no ramp, no reactive power."""

CAP_704 = {
    "WMaxLimPctEna": 0,
    "WMaxLimPct": 10_000,
    "WMaxLimPctRvrt": 10_000,
    "WMaxLimPctEnaRvrt": 0,
    "WMaxLimPctRvrtTms": 0,
    "WMaxLimPctRvrtRem": 0,
    "WMaxLimPct_SF": -2,
    "AntiIslEna": 1,
}
"""The cap of model 704 at rest."""

CONTROL_715 = {"LocRemCtl": 0, "DERHb": 0, "ControllerHb": 0, "AlarmReset": 0, "OpCtl": 1}


def ratings_121(rated_w: float) -> dict[str, int]:
    """Model 121: what the percentages of 123 are of."""
    scale = power_scale(rated_w)
    return {
        "WMax": round(rated_w / 10**scale),
        "WMax_SF": scale,
        "VRef": 230,
        "VRef_SF": 0,
        "VRefOfs": 0,
        "VRefOfs_SF": 0,
    }


def ratings_120(rated_w: float, kind: int, battery_wh: float = 0.0) -> dict[str, int]:
    """Model 120: the nameplate; ``kind`` 4 is PV, 82 PV with a battery."""
    scale = power_scale(rated_w)
    watts = round(rated_w / 10**scale)
    found = {
        "DERTyp": kind,
        "WRtg": watts,
        "WRtg_SF": scale,
        "VARtg": watts,
        "VARtg_SF": scale,
        "ARtg": round(rated_w / 230),
        "ARtg_SF": 0,
        **{f"VArRtgQ{quarter}": 0 for quarter in (1, 2, 3, 4)},
        "VArRtg_SF": 0,
        **{f"PFRtgQ{quarter}": 100 for quarter in (1, 2, 3, 4)},
        "PFRtg_SF": -2,
    }
    if battery_wh:
        energy = power_scale(battery_wh)
        found |= {"WHRtg": round(battery_wh / 10**energy), "WHRtg_SF": energy}
        found |= {"MaxChaRte": watts, "MaxChaRte_SF": scale, "MaxDisChaRte": watts, "MaxDisChaRte_SF": scale}
    return found


def ratings_702(rated_w: float, *, stores: bool = False) -> dict[str, int]:
    """Model 702: nameplate and settings; ``stores``: it charges too."""
    scale = power_scale(rated_w)
    watts = round(rated_w / 10**scale)
    found = dict.fromkeys(("WMaxRtg", "VAMaxRtg", "WMax", "VAMax"), watts)
    if stores:
        found |= dict.fromkeys(("WChaRteMaxRtg", "WDisChaRteMaxRtg", "WChaRteMax", "WDisChaRteMax"), watts)
    volts = {"VNomRtg": 2300, "VNom": 2300, "V_SF": -1}
    return found | volts | {"CtrlModes": 0b11 if stores else 0b1, "W_SF": scale, "VA_SF": scale}


class Capped:
    """The cap in force on a device, in W of generation."""

    def __init__(self, device: SunSpec, generation: Generation, now_s: Callable[[], float]) -> None:
        self._image = device.image
        self._old = generation == "1xx"
        self._now_s = now_s
        self._rest_s = device.habits.get("standby-at-zero", 0)
        self._until_s = -inf
        self.function = (
            device.function("123.WMaxLim_Ena", "123.WMaxLimPct_RvrtTms", feeds=("123.WMaxLimPct",))
            if self._old
            else device.function(
                "704.WMaxLimPctEna",
                "704.WMaxLimPctRvrtTms",
                left="704.WMaxLimPctRvrtRem",
                reverts={
                    "704.WMaxLimPctEna": "704.WMaxLimPctEnaRvrt",
                    "704.WMaxLimPct": "704.WMaxLimPctRvrt",
                },
                feeds=("704.WMaxLimPct",) if "timer-fed-by-values" in device.habits else (),
            )
        )

    @property
    def cap_w(self) -> float:
        """The most it may give; infinite without a cap."""
        if self._old and self._image.get("123.Conn") == 0:
            return 0.0
        if not self.function.enabled:
            return inf
        pct = self._image.number("123.WMaxLimPct" if self._old else "704.WMaxLimPct")
        return pct / 100.0 * self._image.number("121.WMax" if self._old else "702.WMax")

    def rests(self) -> bool:
        """Return whether a cap of zero sends it into standby now, or still keeps it there."""
        if not self._rest_s:
            return False
        if self.cap_w <= 0:
            self._until_s = self._now_s() + self._rest_s
        return self._now_s() < self._until_s
