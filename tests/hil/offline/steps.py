"""Steps in which scenarios are run in tests: twice as long where every promise is still seen; `make days` takes theirs."""

from quartier_hil.scenario import Scenario

CYCLE_MAX_S = 5.0
"""As in a site file."""
FINE = {
    "breach-fast",
    "breach-slow",
    "device-silent",
    "district-insane",
    "failsafe-serves",
    "frequency-once",
    "frequency-rows",
    "hold-goes-on",
    "link-init",
    "link-lost",
    "meter-delayed",
    "meter-late",
    "meter-phases-swapped",
    "meter-silent",
    "meter-wrong-sign",
    "oven-pulses",
    "restart-goes-on",
    "timers-1xx",
}
"""Their promises are about single seconds: they keep their own steps."""


def lengthen_steps(name: str, scenario: Scenario) -> Scenario:
    """Return the scenario in steps twice as long; as it is where these would be too long."""
    cycle_s = min(2.0 * scenario.cycle_s, CYCLE_MAX_S)
    is_fine = name in FINE or cycle_s < scenario.cycle_s
    return scenario if is_fine else scenario.model_copy(update={"cycle_s": cycle_s})
