"""A battery inverter on SunSpec, of either generation: setpoints with timers and heartbeats of its own."""

from collections.abc import Collection, Iterable, Mapping
from math import inf

from quartier_sim.sunspec import pv_inverter
from quartier_sim.sunspec.control_functions import ControlFunction
from quartier_sim.sunspec.measurements import (
    Generation,
    build_common_model,
    build_inverter_values,
    compute_power_scale,
    show_inverter,
)
from quartier_sim.sunspec.pv_inverter import GenerationLimit
from quartier_sim.sunspec.register_image import ModelEntry
from quartier_sim.sunspec.sunspec_device import SunSpecDevice

_QUANTITIES = frozenset(
    {"power_w", "soc_pct", "voltage_v", "energy_import_wh", "energy_export_wh", "frequency_hz"}
)
_CHARGE, _DISCHARGE = 1, 2
_HOLDING, _DISCHARGING, _CHARGING = 6, 3, 4  # ChaSt
_CONNECTED, _STANDBY = 3, 4  # State of 802
_GRACE_S = 5.0
_HEARTBEATS = frozenset({"715.ControllerHb", "802.CtrlHb"})
_SETPOINT_704 = {
    "WSetEna": 0,
    "WSetMod": 1,
    "WSet": 0,
    "WSetRvrt": 0,
    "WSetPct": 0,
    "WSetPctRvrt": 0,
    "WSetEnaRvrt": 0,
    "WSetRvrtTms": 0,
    "WSetRvrtRem": 0,
    "WSet_SF": 0,
    "WSetPct_SF": -2,
}


class BatteryInverter(SunSpecDevice):
    """Shows ``power_w soc_pct voltage_v energy_import_wh energy_export_wh frequency_hz``.

    Orders ``setpoint_w``, plus charges: 0 while its own control decides (1xx: model 124, whose limits of
    charge and discharge may be negative, and then order the other; 7xx: ``WSet`` of model 704, plus
    generates).  A cap on generation applies as well.  With ``heartbeat_s`` it wants the controller's
    heartbeat (715 or 802) to move at least that often, else its functions revert.
    """

    def __init__(
        self,
        generation: Generation = "7xx",
        *,
        rated_w: float = 5_000.0,
        capacity_wh: float = 10_000.0,
        heartbeat_s: float = 0.0,
        unit: int = 1,
        habits: Iterable[str] = (),
        seed: int = 0,
    ) -> None:
        self._ac = 701 if generation == "7xx" else 103
        super().__init__(_build_models(generation, rated_w, capacity_wh), unit=unit, habits=habits, seed=seed)
        self._old = generation == "1xx"
        self._rated_w, self._capacity_wh, self.heartbeat_s = rated_w, capacity_wh, heartbeat_s
        self._told: dict[str, float] = {}
        self._beat_s = self.now_s
        self._beats: dict[str, object] = {}
        self._capped = GenerationLimit(self, generation, lambda: self.now_s)
        self._setpoint = self._storage() if self._old else self._power()
        self.show({})

    def _storage(self) -> ControlFunction:
        return self.function("124.StorCtl_Mod", "124.InOutWRte_RvrtTms", feeds=("124.InWRte", "124.OutWRte"))

    def _power(self) -> ControlFunction:
        return self.function(
            "704.WSetEna",
            "704.WSetRvrtTms",
            left="704.WSetRvrtRem",
            reverts={
                "704.WSetEna": "704.WSetEnaRvrt",
                "704.WSet": "704.WSetRvrt",
                "704.WSetPct": "704.WSetPctRvrt",
            },
            feeds=("704.WSet", "704.WSetPct") if "timer-fed-by-values" in self.habits else (),
        )

    # -- the plant's side ------------------------------------------------------------------

    def show(self, values: Mapping[str, float]) -> None:
        """Put what it measures into its models."""
        if unknown := set(values) - _QUANTITIES:
            raise KeyError(unknown.pop())
        self._told.update(values)
        power_w, soc_pct = self._told.get("power_w", 0.0), self._told.get("soc_pct", 50.0)
        volt = self._told.get("voltage_v", 51.2)
        show_inverter(
            self.image,
            self._ac,
            power_w,
            import_wh=self._told.get("energy_import_wh", 0.0),
            export_wh=self._told.get("energy_export_wh", 0.0),
            frequency_hz=self._told.get("frequency_hz", 50.0),
        )
        self._show_battery(power_w, soc_pct, volt)
        if self._old:
            self.image.show("124.ChaState", soc_pct)
            self.image.show("124.InBatV", volt)
            self.image.put("124.ChaSt", _get_charge_status(power_w))
            return
        self.image.show("713.SoC", soc_pct)
        self.image.show("713.WHAvail", soc_pct / 100.0 * self._capacity_wh)
        self.image.show("714.DCW", -power_w)
        self.image.show("714.Prt[0].DCW", -power_w)
        self.image.show("714.Prt[0].DCV", volt)
        self.image.show("715.DERHb", int(self.now_s))

    def _show_battery(self, power_w: float, soc_pct: float, volt: float) -> None:
        self.image.show("802.SoC", soc_pct)
        self.image.show("802.V", volt)
        self.image.show("802.A", -power_w / volt)
        self.image.show("802.W", -power_w)
        self.image.put("802.ChaSt", _get_charge_status(power_w))
        self.image.put("802.Hb", int(self.now_s) % 0xFFFF)
        self.image.put("802.State", _CONNECTED if self._hears else _STANDBY)

    def orders(self) -> Mapping[str, float]:
        """Return the setpoint that it works towards."""
        if self._capped.rests() or "ignores-setpoint" in self.habits or not self._hears:
            return {"setpoint_w": 0.0}
        low_w = max(-self._capped.cap_w, -self._rated_w)
        requested_w = self._stored_w() if self._old else self._set_w()
        return {"setpoint_w": min(max(requested_w, low_w), self._rated_w)}

    def _stored_w(self) -> float:
        """Model 124: its own control, which wants 0 W, within the limits in force."""
        mode = self.image.get("124.StorCtl_Mod")
        assert isinstance(mode, int)
        whole_w = self.image.number("124.WChaMax") / 100.0
        high_w = self.image.number("124.InWRte") * whole_w if mode & _CHARGE else inf
        low_w = -self.image.number("124.OutWRte") * whole_w if mode & _DISCHARGE else -inf
        requested_w = min(max(0.0, low_w), high_w)
        return -requested_w if "inverted-setpoint" in self.habits else requested_w

    def _set_w(self) -> float:
        """Model 704: plus generates."""
        if not self._setpoint.is_enabled:
            return 0.0
        if self.image.get("704.WSetMod"):
            given_w = self.image.number("704.WSet")
        else:
            given_w = self.image.number("704.WSetPct") / 100.0 * self.image.number("702.WMax")
        return given_w if "inverted-setpoint" in self.habits else -given_w

    # -- timers ----------------------------------------------------------------------------

    @property
    def _hears(self) -> bool:
        """Return whether the controller's heart beats, where that is asked for."""
        return not self.heartbeat_s or self.now_s - self._beat_s < self.heartbeat_s

    def handle_write(self, paths: Collection[str]) -> None:
        """A heartbeat counts when it moves."""
        for path in _HEARTBEATS.intersection(paths):
            if self._beats.get(path) != (beat := self.image.get(path)):
                self._beats[path], self._beat_s = beat, self.now_s
        if self._setpoint.enable in paths and not self._hears:  # the heartbeat may come behind the order
            self._beat_s = self.now_s - self.heartbeat_s + _GRACE_S
        super().handle_write(paths)

    def expire(self) -> None:
        """Let timers and heartbeats run out."""
        super().expire()
        if not self._hears and self._setpoint.is_enabled:
            self._setpoint.revert()


def _get_charge_status(power_w: float) -> int:
    return _CHARGING if power_w > 0 else _DISCHARGING if power_w < 0 else _HOLDING


def _build_models(generation: Generation, rated_w: float, capacity_wh: float) -> list[ModelEntry]:
    watts, energy = compute_power_scale(rated_w), compute_power_scale(capacity_wh)
    power, store = round(rated_w / 10**watts), round(capacity_wh / 10**energy)
    head: list[ModelEntry] = [(1, build_common_model(f"Storage {generation}", "BAT-0001"))]
    battery: ModelEntry = (802, _build_battery(power, watts, store, energy))
    if generation == "1xx":
        return [
            *head,
            (103, build_inverter_values(103, rated_w)),
            (120, pv_inverter.build_ratings_120(rated_w, 82, capacity_wh)),
            (121, pv_inverter.build_ratings_121(rated_w)),
            (122, {"PVConn": 0, "StorConn": 0b111, "ECPConn": 1, "ActWh": 0}),
            (123, pv_inverter.CONTROL_123),
            (124, _build_storage_124(power, watts)),
            battery,
        ]
    ports = {"NPrt": 1, "DCW_SF": 0, "DCV_SF": -1, "PrtAlrms": 0, "DCW": 0}
    return [
        *head,
        (701, build_inverter_values(701, rated_w)),
        (702, pv_inverter.build_ratings_702(rated_w, stores=True)),
        (704, {**pv_inverter.CONTROL_704, **_SETPOINT_704}),
        (713, {"WHRtg": store, "WHAvail": 0, "SoC": 0, "SoH": 990, "Sta": 0, "WH_SF": energy, "Pct_SF": -1}),
        (714, {**ports, "Prt": [{"PrtTyp": 1, "ID": 1, "IDStr": "battery", "DCW": 0, "DCV": 0, "DCSta": 1}]}),
        (715, pv_inverter.CONTROL_715),
        battery,
    ]


def _build_storage_124(power: int, scale: int) -> dict[str, int]:
    scales = {
        "WChaDisChaGra_SF": 0,
        "ChaState_SF": -1,
        "InBatV_SF": -1,
        "InOutWRte_SF": -2,
        "MinRsvPct_SF": 0,
    }
    return {
        "WChaMax": power,
        "WChaMax_SF": scale,
        "WChaGra": 100,
        "WDisChaGra": 100,
        "StorCtl_Mod": 0,
        "MinRsvPct": 5,
        "ChaState": 0,
        "InBatV": 0,
        "ChaSt": _HOLDING,
        "OutWRte": 10_000,
        "InWRte": 10_000,
        "InOutWRte_RvrtTms": 0,
        "ChaGriSet": 1,
        **scales,
    }


def _build_battery(power: int, watts: int, store: int, energy: int) -> dict[str, int]:
    return {
        "AHRtg": 200,
        "AHRtg_SF": 0,
        "WHRtg": store,
        "WHRtg_SF": energy,
        "WChaRteMax": power,
        "WDisChaRteMax": power,
        "WChaDisChaMax_SF": watts,
        "SoC": 0,
        "SoC_SF": -1,
        "ChaSt": _HOLDING,
        "LocRemCtl": 0,
        "Hb": 0,
        "CtrlHb": 0,
        "AlmRst": 0,
        "Typ": 4,
        "State": _CONNECTED,
        **dict.fromkeys(("Evt1", "Evt2", "EvtVnd1", "EvtVnd2"), 0),
        "V": 0,
        "V_SF": -1,
        "CellV_SF": -3,
        "A": 0,
        "A_SF": -1,
        "AMax_SF": 0,
        "W": 0,
        "W_SF": watts,
        "SetOp": 1,
        "SetInvState": 3,
    }
