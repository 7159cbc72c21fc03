"""Measurements of inverters and meters as values of SunSpec models: identity, AC, DC and meters.

SunSpec counts generation as plus in inverter models (701: "positive for DER generation"), import as plus in
meter models; the gateway's sign is plus for power that is taken.
"""

from typing import Any, Literal

from quartier_hil.devices.mains import PHASES, Mains
from quartier_hil.devices.sunspec.image import Image, Values

_ROOM = 30_000  # what an int16 holds with a little room above a rating
_VOLT = 230.0
_ROOT_3 = 3.0**0.5
_LETTERS = ("A", "B", "C")
METERS = (201, 203, 211, 213)


def power_scale(rated: float) -> int:
    """The scale factor with which 16 bits hold a rating."""
    power = 0
    while rated > _ROOM * 10**power:
        power += 1
    return power


def common(model: str, serial: str, *, maker: str = "Quartier rig", firmware: str = "1.0") -> Values:
    """Return model 1: the identity."""
    return {"Mn": maker, "Md": model, "Vr": firmware, "SN": serial, "DA": 1, "Opt": None}


def inverter_values(number: int, rated_w: float) -> dict[str, Any]:
    """The standing values of an AC measurement model: 101, 103, 111, 113 or 701."""
    events = dict.fromkeys(("Evt1", "Evt2"), 0)
    if number == 701:
        scales = {"A_SF": -2, "V_SF": -1, "Hz_SF": -3, "PF_SF": -3, "TotWh_SF": 0, "Tmp_SF": -1}
        rated = dict.fromkeys(("W_SF", "VA_SF", "Var_SF"), power_scale(rated_w))
        return (
            {"ACType": 2, "St": 1, "InvSt": 3, "ConnSt": 1, "Alrm": 0, "DERMode": 1, "TmpCab": 312}
            | scales
            | rated
        )
    if number in (111, 113):
        return {"St": 4, "TmpCab": 31.25, **events}
    scales = {"A_SF": -2, "V_SF": -1, "Hz_SF": -2, "WH_SF": 0, "Tmp_SF": -1}
    return {"St": 4, "TmpCab": 312, "W_SF": power_scale(rated_w), **scales, **events}


def show_inverter(
    image: Image,
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


def meter_values(number: int, rated_w: float) -> dict[str, Any]:
    """The standing values of a meter model: 201, 203 or, in float, 211, 213."""
    if number in (211, 213):
        return {"Evt": 0}
    scales = {"A_SF": -2, "V_SF": -1, "Hz_SF": -2, "W_SF": power_scale(rated_w), "TotWh_SF": 0}
    return {"Evt": 0, **scales}


def show_meter(image: Image, number: int, mains: Mains) -> None:
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
