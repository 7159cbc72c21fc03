"""Steps of scenarios in tests: twice as long where promises, and their loss, still show; `make days` keeps their own."""

from quartier_hil.scenario.scenario_file import Scenario

CYCLE_MAX_S = 5.0
"""As in a site file."""
FINE = {
    "breach-fast",
    "breach-slow",
    "clock-untrusted",
    "device-silent",
    "district-insane",
    "documents-combine",
    "failsafe-left",
    "failsafe-serves",
    "frequency-high",
    "frequency-lost",
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
    "outage-over",
    "oven-pulses",
    "restart-goes-on",
    "timers-1xx",
}
"""They keep their own steps: a promise of theirs, or its loss (``mutants.py``), is a matter of single seconds."""


def lengthen_steps(name: str, scenario: Scenario) -> Scenario:
    """Return the scenario in steps twice as long, at most of ``CYCLE_MAX_S``; as it is where it needs its own."""
    if name in FINE:
        return scenario
    return scenario.model_copy(update={"cycle_s": min(2.0 * scenario.cycle_s, CYCLE_MAX_S)})
