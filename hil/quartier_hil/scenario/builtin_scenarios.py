"""Find the scenarios that come with the rig."""

import difflib
from importlib.resources import files
from pathlib import Path

from quartier_drivers.errors import ConfigError, Fault
from quartier_hil.scenario import scenario_file

WIRES_MAX_S = 7_200.0
SHORT_SCENARIOS = {
    "short-cap": "a cap, a car, the battery; all samples delivered",
    "short-broker-away": "the broker gone for twenty minutes, and the backlog after it",
    "short-kill-nine": "kill -9: outputs released, nothing lost",
    "short-grid-meter-silent": "the meter that everything rests on is gone",
    "short-device-away": "one dead device leaves the others their rate",
    "short-meters-unplugged": "Linky, P1 and M-Bus on ptys, unplugged and back",
    "short-meters-counted": "every sound group of a smart meter, over a bad line too",
    "short-plants": "BACnet/IP and OPC UA, ordered and released",
    "short-plan": "a plan from three weeks of history; the thread that plans dies",
    "short-timers-1xx": "SunSpec's first generation: the device's own timer",
    "short-timers-7xx": "SunSpec's second generation: the same",
    "short-cap-stays-1xx": "no cap on generation is lifted by a loss",
    "short-cap-stays-7xx": "the same in the second generation",
    "frequency-jolt": "the fastest reaction that is owed",
    "blackout-restart": "no voltage, and another boot of the gateway",
    "master-on-charger": "somebody else writes to an output",
}
"""Scenarios that CI runs over wires, with reasons: each protocol and kind of loss once, in under 10 min."""


def list_builtin() -> dict[str, Path]:
    """The scenarios that come with the rig, by name."""
    folder = Path(str(files("quartier_hil"))) / "scenarios"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def list_wired() -> dict[str, Path]:
    """Return the scenarios for runs over wires: at most two plant hours, and no check to the second."""
    loaded = {name: scenario_file.load_scenario(path) for name, path in list_builtin().items()}
    return {
        name: path
        for name, path in list_builtin().items()
        if loaded[name].duration_s <= WIRES_MAX_S and loaded[name].wires
    }


def list_short() -> dict[str, Path]:
    """Those that CI runs over wires."""
    known = list_builtin()
    return {name: known[name] for name in SHORT_SCENARIOS}


def find_scenario(name: str) -> Path:
    """A path, or the file of a built-in scenario.  Raises ConfigError naming those that exist."""
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        return path
    known = list_builtin()
    if name in known:
        return known[name]
    near = [one for one in known if name in one] or difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(near[:3])}?" if near else f"there are {len(known)}:"
    what = f"is no file and no built-in scenario; {hint} quartier-hil list lists them"
    raise ConfigError([Fault(name, None, "scenario", what)])
