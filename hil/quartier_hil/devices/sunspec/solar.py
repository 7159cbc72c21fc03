"""A PV inverter on SunSpec, of either generation: follows the sun, and a cap with its reversion timer."""

from collections.abc import Iterable, Mapping

from quartier_hil.devices.sunspec import capping
from quartier_hil.devices.sunspec.capping import Capped
from quartier_hil.devices.sunspec.device import SunSpec
from quartier_hil.devices.sunspec.image import Part
from quartier_hil.devices.sunspec.measured import Generation, common, inverter_values, show_inverter

_QUANTITIES = frozenset({"power_w", "energy_export_wh", "frequency_hz"})
_TRACKING, _STANDBY = {"1xx": 4, "7xx": 3}, {"1xx": 8, "7xx": 7}


class SolarInverter(SunSpec):
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
        super().__init__(_models(generation, self._ac, rated_w), unit=unit, habits=habits, seed=seed)
        self._generation: Generation = generation
        self._told: dict[str, float] = {}
        self._capped = Capped(self, generation, lambda: self.now_s)
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


def _models(generation: Generation, ac: int, rated_w: float) -> list[Part]:
    head: list[Part] = [(1, common(f"Solar {generation}", "PV-0001")), (ac, inverter_values(ac, rated_w))]
    if generation == "1xx":
        port = {"ID": 1, "IDStr": "string 1", "DCW": 0, "DCWH": 0, "DCSt": 4}
        return [
            *head,
            (120, capping.ratings_120(rated_w, 4)),
            (121, capping.ratings_121(rated_w)),
            (122, {"PVConn": 0b111, "StorConn": 0, "ECPConn": 1, "ActWh": 0}),
            (123, capping.CAP_123),
            (160, {"DCW_SF": 0, "DCWH_SF": 0, "N": 1, "Evt": 0, "module": [port]}),
        ]
    ports = {"NPrt": 1, "DCW_SF": 0, "DCWH_SF": 0, "PrtAlrms": 0, "DCW": 0}
    return [
        *head,
        (702, capping.ratings_702(rated_w)),
        (703, {"ES": 1, "ESVHi": 1050, "ESVLo": 917, "ESHzHi": 501, "ESHzLo": 499, "V_SF": -1, "Hz_SF": -1}),
        (704, capping.CAP_704),
        (714, {**ports, "Prt": [{"PrtTyp": 0, "ID": 1, "IDStr": "string 1", "DCW": 0, "DCSta": 1}]}),
        (715, capping.CONTROL_715),
    ]
