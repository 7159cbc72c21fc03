"""The scenarios that come with the rig."""

from importlib.resources import files
from pathlib import Path

from quartier_drivers.errors import ConfigError, Fault
from quartier_hil import scenario

WIRES_MAX_S = 7_200.0


def builtin() -> dict[str, Path]:
    """The scenarios that come with the rig, by name."""
    folder = Path(str(files("quartier_hil"))) / "scenarios"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def on_wires() -> dict[str, Path]:
    """Those that are run over wires: at most two hours of the house."""
    return {name: path for name, path in builtin().items() if scenario.load(path).duration_s <= WIRES_MAX_S}


def find(name: str) -> Path:
    """A path, or the file of a built-in scenario.  Raises ConfigError naming those that exist."""
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        return path
    known = builtin()
    if name in known:
        return known[name]
    raise ConfigError(
        [Fault(name, None, "scenario", f"is no file and no scenario of ours: {', '.join(known)}")]
    )
