"""An asset of the plant whose model is an FMU for co-simulation, FMI 2.0 or 3.0 (Modelica Association).

FMPy loads it into this process: an FMU is a program, so run only FMUs that you trust.
"""

import contextlib
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from quartier_sim.plant.asset_interface import PhaseShares, Surroundings, get_phase_shares

POWER = "power_w"
SURROUNDINGS = ("now_s", "day_s", "outdoor_c", "sun_deg", "solar_w_per_kw", "draw_w")
"""Inputs that every asset may have, apart from its orders."""
_REALS = frozenset({"Real", "Float64", "Float32"})
_INTEGERS = frozenset(
    {"Integer", "Enumeration", *(f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))}
)


class UnusableFmu(ValueError):  # noqa: N818 - its text is shown to a person
    """A file is no FMU, cannot run here, or has no power."""


class FmuFailed(RuntimeError):  # noqa: N818 - its text is shown to a person
    """The FMU reported an error in a step."""


@dataclass(frozen=True, slots=True)
class _Variable:
    reference: int
    type: str


def read_quantity_map(arguments: Iterable[str]) -> dict[str, str]:
    """Read ``QUANTITY=VARIABLE`` arguments.  Raises ValueError naming one of another form."""
    found = {}
    for argument in arguments:
        quantity, equals, variable = argument.partition("=")
        if not (quantity and equals and variable):
            raise ValueError(f"{argument!r}: expected QUANTITY=VARIABLE, for example power_w=heater.P")
        found[quantity] = variable
    return found


class FmuAsset:
    """An asset that an FMU simulates.

    Inputs of the FMU are named as orders of the asset (``relay_on``, ``setpoint_w`` …) or as a name of
    ``SURROUNDINGS``; outputs as quantities in gateway units, ``power_w`` among them (plus takes power from
    the building).  ``quantities`` gives variables of other names.  An order that nobody gave keeps the start
    value of the FMU.  Unlike other assets it has a state outside Python: ``step`` changes it and returns
    itself.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        *,
        phase: int | None = None,
        quantities: Mapping[str, str] | None = None,
    ) -> None:
        """Load the FMU and bring it to its initial state.

        ``phase``: 1 to 3, None: a third on each.  Raises UnusableFmu.
        """
        self._path, self._name = path, name
        self._shares = get_phase_shares(phase)
        self._time_s = 0.0
        folder = Path(tempfile.mkdtemp(prefix="quartier-fmu-"))
        loaded: list[Any] = []  # the model, as soon as there is one
        self._end = weakref.finalize(self, _end_model, loaded, folder)
        try:
            self._model, description = _load(path, folder)
        except UnusableFmu:
            self._end()
            raise
        loaded.append(self._model)
        names = {variable: quantity for quantity, variable in (quantities or {}).items()}
        if unknown := set(names) - {one.name for one in description.modelVariables}:
            raise self._refuse(f"has no variable {min(unknown)!r}")
        self._inputs: dict[str, _Variable] = {}
        self._outputs: dict[str, _Variable] = {}
        for one in description.modelVariables:
            if one.causality in {"input", "output"} and one.type in {*_REALS, *_INTEGERS, "Boolean"}:
                place = self._inputs if one.causality == "input" else self._outputs
                place[names.get(one.name, one.name)] = _Variable(one.valueReference, one.type)
        if POWER not in self._outputs:
            listed = ", ".join(self._outputs) or "none"
            raise self._refuse(f"has no output power_w, only {listed}; give power_w=VARIABLE")
        try:
            self._values = self._read_outputs()
        except Exception as error:  # FMPy raises plain Exceptions
            raise self._refuse(f"its outputs cannot be read: {error}") from error

    @property
    def name(self) -> str:
        """Its name, as the owner of its points."""
        return self._name

    @property
    def shares(self) -> PhaseShares:
        """The part of its power on each phase."""
        return self._shares

    @property
    def power_w(self) -> float:
        """Power from the building, W; minus: generation."""
        return self._values[POWER]

    @property
    def input_names(self) -> tuple[str, ...]:
        """The orders and surroundings that it takes."""
        return tuple(self._inputs)

    def step(self, orders: Mapping[str, float], around: Surroundings, dt_s: float) -> Self:
        """Go on by ``dt_s``.  Without voltage its power counts as 0, but its own time goes on.

        Raises FmuFailed.
        """
        try:
            for name, variable in self._inputs.items():
                value = orders.get(name, getattr(around, name, None) if name in SURROUNDINGS else None)
                if value is not None:
                    self._write(variable, value)
            with contextlib.redirect_stdout(sys.stderr):  # FMPy prints what an FMU logs
                self._model.doStep(self._time_s, dt_s)
            self._time_s += dt_s
            self._values = self._read_outputs()
        except Exception as error:  # FMPy raises its own FMICallException and plain Exceptions
            raise FmuFailed(f"{self._path}: failed at {self._time_s:g} s of its time: {error}") from error
        if not around.powered:
            self._values = {**self._values, POWER: 0.0}
        return self

    def values(self) -> Mapping[str, float]:
        """Return its outputs apart from the power, by quantity."""
        return {name: value for name, value in self._values.items() if name != POWER}

    def close(self) -> None:
        """End the FMU and delete its unpacked files; also done when nobody uses the asset any more."""
        self._end()

    def _refuse(self, why: str) -> UnusableFmu:
        self._end()
        return UnusableFmu(f"{self._path}: {why}")

    def _write(self, variable: _Variable, value: float) -> None:
        references = [variable.reference]
        if variable.type in _REALS:
            _call(self._model, "set", variable.type)(references, [float(value)])
        elif variable.type == "Boolean":
            self._model.setBoolean(references, [value > 0.5])
        else:
            _call(self._model, "set", variable.type)(references, [round(value)])

    def _read_outputs(self) -> dict[str, float]:
        return {
            name: float(_call(self._model, "get", variable.type)([variable.reference])[0])
            for name, variable in self._outputs.items()
        }


def _call(model: Any, verb: str, kind: str) -> Any:
    """Return the function of FMPy for a type; an enumeration is an integer of its version of FMI."""
    if kind == "Enumeration":
        kind = "Int64" if hasattr(model, f"{verb}Int64") else "Integer"
    return getattr(model, f"{verb}{kind}")


def _load(path: Path, folder: Path) -> tuple[Any, Any]:
    """Unpack the FMU into ``folder``, load its binary and initialise it.  Raises UnusableFmu."""
    try:
        import fmpy  # noqa: PLC0415 - only a building with an FMU needs it
    except ImportError as error:
        raise UnusableFmu(f"{path}: an FMU needs FMPy: pip install 'quartier-hil[fmi]'") from error
    try:
        description = fmpy.read_model_description(str(path))
        platforms = fmpy.supported_platforms(str(path))
    except Exception as error:  # FMPy raises plain Exceptions for what it cannot read
        raise UnusableFmu(f"{path}: is no FMU that can be read: {error}") from error
    if description.fmiVersion not in {"2.0", "3.0"}:
        raise UnusableFmu(f"{path}: is of FMI {description.fmiVersion}; expected 2.0 or 3.0")
    if description.coSimulation is None:
        raise UnusableFmu(f"{path}: is for model exchange alone; expected an FMU for co-simulation")
    if fmpy.platform not in platforms:
        listed = ", ".join(platforms) or "none"
        raise UnusableFmu(f"{path}: has no binary for {fmpy.platform}, only for {listed}")
    try:
        fmpy.extract(str(path), unzipdir=str(folder))
        with contextlib.redirect_stdout(sys.stderr):  # FMPy prints what an FMU logs
            model = fmpy.instantiate_fmu(str(folder), description, "CoSimulation")
            if description.fmiVersion == "2.0":
                model.setupExperiment(startTime=0.0)
                model.enterInitializationMode()
            else:
                model.enterInitializationMode(startTime=0.0)
            model.exitInitializationMode()
    except Exception as error:  # as above
        raise UnusableFmu(f"{path}: cannot be started: {error}") from error
    return model, description


def _end_model(loaded: list[Any], folder: Path) -> None:
    for model in loaded:
        with suppress(Exception):  # one that has failed may refuse this too
            model.terminate()
        with suppress(Exception):
            model.freeInstance()
    shutil.rmtree(folder, ignore_errors=True)
