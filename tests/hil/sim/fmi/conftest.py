"""FMUs that other programs wrote: a heater of FMI 2.0 (PythonFMU) and of FMI 3.0 (PythonFMU3)."""

import importlib
import sys

import pytest

_BODY = """
class Heater({base}):
    def __init__(self, **settings):
        super().__init__(**settings)
        self.time, self.relay_on, self.outdoor_c, self.mode, self.P, self.tank_c = 0.0, True, 15.0, 0, 0.0, 50.0
        {time}
        self.register_variable(Boolean("relay_on", causality={causality}.input{discrete}))
        self.register_variable({real}("outdoor_c", causality={causality}.input))
        self.register_variable({integer}("mode", causality={causality}.input{discrete}))
        self.register_variable({real}("P", causality={causality}.output))
        self.register_variable({real}("tank_c", causality={causality}.output))

    def do_step(self, current_time, step_size):
        if self.mode == 9:
            raise ValueError("mode 9 breaks it")
        self.P = 2000.0 if self.relay_on and self.tank_c < 60.0 else 0.0
        self.tank_c += (self.P - 10.0 * (self.tank_c - self.outdoor_c)) * step_size / 1e6
        return True
"""
_HEADS = {
    "2.0": (
        "from pythonfmu import Boolean, Fmi2Causality, Fmi2Slave, Fmi2Variability, Integer, Real\n",
        {
            "base": "Fmi2Slave",
            "causality": "Fmi2Causality",
            "real": "Real",
            "integer": "Integer",
            "discrete": ", variability=Fmi2Variability.discrete",
            "time": "",
        },
    ),
    "3.0": (
        "from pythonfmu3 import Boolean, Fmi3Causality, Fmi3Slave, Fmi3Variability, Float64, Int32\n",
        {
            "base": "Fmi3Slave",
            "causality": "Fmi3Causality",
            "real": "Float64",
            "integer": "Int32",
            "discrete": ", variability=Fmi3Variability.discrete",
            "time": 'self.register_variable(Float64("time", causality=Fmi3Causality.independent, '
            "variability=Fmi3Variability.continuous))",
        },
    ),
}


@pytest.fixture(scope="session", params=["2.0", "3.0"])
def heater_fmu(request, tmp_path_factory):
    """A heater of 2 kW on a relay, with an output ``P``."""
    folder = tmp_path_factory.mktemp("fmu")
    head, words = _HEADS[request.param]
    name = f"heater_{request.param[0]}"
    (folder / f"{name}.py").write_text(head + _BODY.format(**words))
    builder = importlib.import_module("pythonfmu.builder" if request.param == "2.0" else "pythonfmu3.builder")
    sys.path.insert(0, str(folder))
    try:
        return builder.FmuBuilder.build_FMU(folder / f"{name}.py", dest=folder)
    finally:
        sys.path.remove(str(folder))
