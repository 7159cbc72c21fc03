"""A PV inverter of either generation, and the generation limit that all inverters share."""

from collections.abc import Callable, Iterable, Mapping
from math import inf

from quartier_sim.sunspec.measurements import (
    Generation,
    build_common_model,
    build_inverter_values,
    compute_power_scale,
    show_inverter,
)
from quartier_sim.sunspec.register_image import ModelEntry
from quartier_sim.sunspec.sunspec_device import SunSpecDevice

CONTROL_123 = {
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

CONTROL_704 = {
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


def build_ratings_121(rated_w: float) -> dict[str, int]:
    """Model 121: what the percentages of 123 are of."""
    scale = compute_power_scale(rated_w)
    return {
        "WMax": round(rated_w / 10**scale),
        "WMax_SF": scale,
        "VRef": 230,
        "VRef_SF": 0,
        "VRefOfs": 0,
        "VRefOfs_SF": 0,
    }


def build_ratings_120(rated_w: float, kind: int, battery_wh: float = 0.0) -> dict[str, int]:
    """Model 120: the nameplate; ``kind`` 4 is PV, 82 PV with a battery."""
    scale = compute_power_scale(rated_w)
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
        energy = compute_power_scale(battery_wh)
        found |= {"WHRtg": round(battery_wh / 10**energy), "WHRtg_SF": energy}
        found |= {"MaxChaRte": watts, "MaxChaRte_SF": scale, "MaxDisChaRte": watts, "MaxDisChaRte_SF": scale}
    return found


def build_ratings_702(rated_w: float, *, stores: bool = False) -> dict[str, int]:
    """Model 702: nameplate and settings; ``stores``: it charges too."""
    scale = compute_power_scale(rated_w)
    watts = round(rated_w / 10**scale)
    found = dict.fromkeys(("WMaxRtg", "VAMaxRtg", "WMax", "VAMax"), watts)
    if stores:
        found |= dict.fromkeys(("WChaRteMaxRtg", "WDisChaRteMaxRtg", "WChaRteMax", "WDisChaRteMax"), watts)
    volts = {"VNomRtg": 2300, "VNom": 2300, "V_SF": -1}
    return found | volts | {"CtrlModes": 0b11 if stores else 0b1, "W_SF": scale, "VA_SF": scale}


class GenerationLimit:
    """The cap in force on a device, in W of generation."""

    def __init__(self, device: SunSpecDevice, generation: Generation, now_s: Callable[[], float]) -> None:
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
        if not self.function.is_enabled:
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


_QUANTITIES = frozenset({"power_w", "energy_export_wh", "frequency_hz"})
_TRACKING, _STANDBY = {"1xx": 4, "7xx": 3}, {"1xx": 8, "7xx": 7}


class SolarInverter(SunSpecDevice):
    """Shows ``power_w energy_export_wh frequency_hz``; orders ``generation_max_w``, infinite without a cap.

    ``floats``: the measurement is model 113 instead of 103.
    """

    def __init__(
        self,
        generation: Generation = "7xx",
        *,
        rated_w: float = 6_000.0,
        floats: bool = False,
        unit: int = 1,
        habits: Iterable[str] = (),
        seed: int = 0,
    ) -> None:
        self._ac = 701 if generation == "7xx" else 113 if floats else 103
        super().__init__(_build_models(generation, self._ac, rated_w), unit=unit, habits=habits, seed=seed)
        self._generation: Generation = generation
        self._told: dict[str, float] = {}
        self._capped = GenerationLimit(self, generation, lambda: self.now_s)
        self.show({})

    def show(self, values: Mapping[str, float]) -> None:
        """Put what it measures into its models."""
        if unknown := set(values) - _QUANTITIES:
            raise KeyError(unknown.pop())
        self._told.update(values)
        power_w, energy_wh = self._told.get("power_w", 0.0), self._told.get("energy_export_wh", 0.0)
        hertz = self._told.get("frequency_hz", 50.0)
        show_inverter(self.image, self._ac, power_w, import_wh=0.0, export_wh=energy_wh, frequency_hz=hertz)
        state = (_STANDBY if self._capped.rests() else _TRACKING)[self._generation]
        self.image.put("701.InvSt" if self._generation == "7xx" else f"{self._ac}.St", state)
        if self._generation == "1xx":
            self.image.show("160.module[0].DCW", -power_w)
            self.image.show("160.module[0].DCWH", energy_wh)
            return
        self.image.show("714.DCW", -power_w)
        self.image.show("714.Prt[0].DCW", -power_w)
        self.image.show("715.DERHb", int(self.now_s))

    def orders(self) -> Mapping[str, float]:
        """The most that the sun may be taken for."""
        return {"generation_max_w": 0.0 if self._capped.rests() else self._capped.cap_w}


def _build_models(generation: Generation, ac: int, rated_w: float) -> list[ModelEntry]:
    head: list[ModelEntry] = [
        (1, build_common_model(f"Solar {generation}", "PV-0001")),
        (ac, build_inverter_values(ac, rated_w)),
    ]
    if generation == "1xx":
        port = {"ID": 1, "IDStr": "string 1", "DCW": 0, "DCWH": 0, "DCSt": 4}
        return [
            *head,
            (120, build_ratings_120(rated_w, 4)),
            (121, build_ratings_121(rated_w)),
            (122, {"PVConn": 0b111, "StorConn": 0, "ECPConn": 1, "ActWh": 0}),
            (123, CONTROL_123),
            (160, {"DCW_SF": 0, "DCWH_SF": 0, "N": 1, "Evt": 0, "module": [port]}),
        ]
    ports = {"NPrt": 1, "DCW_SF": 0, "DCWH_SF": 0, "PrtAlrms": 0, "DCW": 0}
    return [
        *head,
        (702, build_ratings_702(rated_w)),
        (703, {"ES": 1, "ESVHi": 1050, "ESVLo": 917, "ESHzHi": 501, "ESHzLo": 499, "V_SF": -1, "Hz_SF": -1}),
        (704, CONTROL_704),
        (714, {**ports, "Prt": [{"PrtTyp": 0, "ID": 1, "IDStr": "string 1", "DCW": 0, "DCSta": 1}]}),
        (715, CONTROL_715),
    ]
