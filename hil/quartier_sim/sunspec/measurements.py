"""Measurements as values of SunSpec models, and a meter that shows them.

SunSpec counts generation as plus in inverter models (701: "positive for DER generation"), import as plus
in
meter models; the gateway's sign is plus for power that is taken.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from quartier_sim.devices.meter_values import PHASES, MeterValues
from quartier_sim.sunspec.register_image import ModelValues, RegisterImage
from quartier_sim.sunspec.sunspec_device import SunSpecDevice

_RATING_MAX = 30_000  # what an int16 holds with a little room above a rating
_VOLT = 230.0
_ROOT_3 = 3.0**0.5
_LETTERS = ("A", "B", "C")
METERS = (201, 203, 211, 213)


def compute_power_scale(rated: float) -> int:
    """The scale factor with which 16 bits hold a rating."""
    power = 0
    while rated > _RATING_MAX * 10**power:
        power += 1
    return power


def build_common_model(
    model: str, serial: str, *, maker: str = "Quartier rig", firmware: str = "1.0"
) -> ModelValues:
    """Return model 1: the identity."""
    return {"Mn": maker, "Md": model, "Vr": firmware, "SN": serial, "DA": 1, "Opt": None}


def build_inverter_values(number: int, rated_w: float) -> dict[str, Any]:
    """The standing values of an AC measurement model: 101, 103, 111, 113 or 701."""
    events = dict.fromkeys(("Evt1", "Evt2"), 0)
    if number == 701:
        scales = {"A_SF": -2, "V_SF": -1, "Hz_SF": -3, "PF_SF": -3, "TotWh_SF": 0, "Tmp_SF": -1}
        rated = dict.fromkeys(("W_SF", "VA_SF", "Var_SF"), compute_power_scale(rated_w))
        return (
            {"ACType": 2, "St": 1, "InvSt": 3, "ConnSt": 1, "Alrm": 0, "DERMode": 1, "TmpCab": 312}
            | scales
            | rated
        )
    if number in (111, 113):
        return {"St": 4, "TmpCab": 31.25, **events}
    scales = {"A_SF": -2, "V_SF": -1, "Hz_SF": -2, "WH_SF": 0, "Tmp_SF": -1}
    return {"St": 4, "TmpCab": 312, "W_SF": compute_power_scale(rated_w), **scales, **events}


def show_inverter(
    image: RegisterImage,
    number: int,
    power_w: float,
    *,
    import_wh: float,
    export_wh: float,
    frequency_hz: float = 50.0,
) -> None:
    """Put the measurements of an inverter into its model; ``power_w`` and energies in the gateway's sign."""
    one = number in (101, 111)
    phases = _LETTERS[:1] if one else _LETTERS
    ampere = abs(power_w) / _VOLT
    image.show(f"{number}.W", -power_w)
    image.show(f"{number}.A", ampere)
    image.show(f"{number}.Hz", frequency_hz)
    if number == 701:
        image.show("701.LNV", _VOLT)
        image.show("701.LLV", _VOLT * _ROOT_3)
        image.show("701.VA", abs(power_w))
        image.show("701.TotWhInj", export_wh)
        image.show("701.TotWhAbs", import_wh)
        for index in (1, 2, 3):
            image.show(f"701.WL{index}", -power_w / 3)
            image.show(f"701.AL{index}", ampere / 3)
            image.show(f"701.VL{index}", _VOLT)
        return
    image.show(f"{number}.WH", export_wh)
    for letter in phases:
        image.show(f"{number}.Aph{letter}", ampere / len(phases))
        image.show(f"{number}.PhVph{letter}", _VOLT)


def build_meter_values(number: int, rated_w: float) -> dict[str, Any]:
    """The standing values of a meter model: 201, 203 or, in float, 211, 213."""
    if number in (211, 213):
        return {"Evt": 0}
    scales = {"A_SF": -2, "V_SF": -1, "Hz_SF": -2, "W_SF": compute_power_scale(rated_w), "TotWh_SF": 0}
    return {"Evt": 0, **scales}


def show_meter(image: RegisterImage, number: int, mains: MeterValues) -> None:
    """Put a meter's values into its model."""
    one = number in (201, 211)
    phases = PHASES[:1] if one else PHASES
    volts = [mains.phase_voltage_v(phase) for phase in phases]
    amperes = [mains.phase_current_a(phase) for phase in phases]
    watts = [mains.power_w] if one else [mains.phase_power_w(phase) for phase in phases]
    totals = {
        "A": sum(amperes),
        "PhV": sum(volts) / len(volts),
        "PPV": sum(volts) / len(volts) * _ROOT_3,
        "Hz": mains.frequency_hz,
        "W": mains.power_w,
        "TotWhImp": mains.energy_import_wh,
        "TotWhExp": mains.energy_export_wh,
    }
    for name, value in totals.items():
        image.show(f"{number}.{name}", value)
    for letter, volt, ampere, watt in zip(_LETTERS, volts, amperes, watts, strict=False):
        image.show(f"{number}.Aph{letter}", ampere)
        image.show(f"{number}.PhVph{letter}", volt)
        image.show(f"{number}.Wph{letter}", watt)


Generation = Literal["1xx", "7xx"]


class SunSpecMeter(SunSpecDevice):
    """Shows the quantities of ``mains`` in model ``number``; takes no orders."""

    def __init__(
        self,
        number: int = 203,
        *,
        rated_w: float = 20_000.0,
        unit: int = 1,
        habits: Iterable[str] = (),
        seed: int = 0,
    ) -> None:
        if number not in METERS:
            raise ValueError(f"{number} is no meter's model; expected one of {METERS}")
        models = [(1, build_common_model("Meter", "M-0001")), (number, build_meter_values(number, rated_w))]
        super().__init__(models, unit=unit, habits=habits, seed=seed)
        self._number = number
        self._mains = MeterValues()
        self.show({})

    def show(self, values: Mapping[str, float]) -> None:
        """Put the meter's values into its model."""
        self._mains.take(values)
        show_meter(self.image, self._number, self._mains)
