import pytest

from quartier.daemon import manual_overrides
from quartier.site.asset_types import Battery, ChargePointAsset, Load, OperationMode, OperationModeAsset, Pv

BAT = Battery(
    name="bat1",
    rated_w=5_000,
    capacity_wh=9_000,
    charge_max_w=5_000,
    discharge_max_w=5_000,
    ramp_max_w_per_s=100,
)
PV = Pv(name="pv1", rated_w=6_000, curtail="limit")
ROOF = Pv(name="pv2", rated_w=6_000, curtail="relay")
EV = ChargePointAsset(name="ev1", rated_w=11_000)
PUMP = Load(name="pump", rated_w=900, switchable=True)
LAMPS = OperationModeAsset(
    name="street",
    rated_w=900,
    quantity="dim_pct",
    modes=(OperationMode("100 % light", 100, 900), OperationMode("50 % light", 50, 450)),
)


@pytest.mark.parametrize(
    ("asset", "text", "value"),
    [
        (BAT, "-2kW", -2_000), (BAT, "2,5 kW", 2_500), (BAT, "300W", 300), (BAT, "0,125kW", 125), (PV, "1.5kw", 1_500),
        (ROOF, "off", 0), (EV, "10A", 10), (EV, "off", 0), (PUMP, "on", 1), (PUMP, " OFF ", 0),
        (LAMPS, "50 % light", 1), (LAMPS, "50%", 1), (LAMPS, "100", 0),
    ],
)  # fmt: skip
def test_each_asset_is_ordered_in_its_own_words(asset, text, value):
    assert value == manual_overrides.parse_ordered_value(asset, text)


@pytest.mark.parametrize(
    ("asset", "text", "said"),
    [
        (BAT, "2000", "expected a power with its unit, W or kW: 2kW charges, -2kW discharges"),
        (BAT, "nan kW", "expected a power"),
        (PV, "off", "W or kW, no sign: 2kW is the most that it may generate"),
        (ROOF, "1kW", "it can only be switched: expected on or off"),
        (EV, "11kW", "expected a current with its unit, 6A to 16A, or off"),
        (BAT, "1,500W", "'1,500 W' can be read in two ways; write 1500 W or 1.5 W"),
        (BAT, "-1.500 kW", "write -1500 kW or -1.5 kW"),
        (EV, "10.000A", "write 10000 A or 10 A"),
        (PUMP, "half", "it can only be switched: expected on or off"),
        (LAMPS, "dark", "expected 100 % light or 50 % light"),
    ],
)
def test_what_an_asset_does_not_understand_is_told_what_it_would(asset, text, said):
    with pytest.raises(ValueError, match=said):
        manual_overrides.parse_ordered_value(asset, text)


@pytest.mark.parametrize(
    ("asset", "value", "words"),
    [
        (BAT, -2_000.0, "-2000 W"), (PV, 0.0, "0 W"), (EV, 10.0, "10 A"), (EV, 0.0, "off"), (ROOF, 1.0, "on"),
        (PUMP, 0.0, "off"), (LAMPS, 1.0, "50 % light"), (PUMP, None, "maintenance"),
    ],
)  # fmt: skip
def test_an_order_is_told_as_a_person_would_say_it(asset, value, words):
    assert words == manual_overrides.render_ordered_value(asset, value)
