"""A building as an FMU: FMPy, which is not ours, validates and steps it."""

import fmpy
import pytest
from fmpy.validation import validate_fmu
from tests.hil.sim.fmi.child import run_in_child
from tests.hil.sim.fmi.test_exported_building import SITE

from quartier_hil.cli import main


@pytest.fixture(scope="module")
def building_fmu(tmp_path_factory):
    folder = tmp_path_factory.mktemp("building")
    (folder / "shop.toml").write_text(SITE)
    assert 0 == main(["fmu", str(folder / "shop.toml"), str(folder / "shop.fmu")])
    return folder / "shop.fmu"


class Stepped:
    """An FMU under FMPy."""

    def __init__(self, path, folder):
        description = fmpy.read_model_description(str(path))
        self.references = {one.name: one.valueReference for one in description.modelVariables}
        fmpy.extract(str(path), unzipdir=str(folder))
        self.model = fmpy.instantiate_fmu(str(folder), description, "CoSimulation")
        self.model.setupExperiment(startTime=0.0)
        self.model.enterInitializationMode()
        self.model.exitInitializationMode()
        self.now_s = 0.0

    def step(self, seconds, **inputs):
        for name, value in inputs.items():
            self.model.setReal([self.references[name.replace("__", ".")]], [value])
        for _ in range(seconds):
            self.model.doStep(self.now_s, 1.0)
            self.now_s += 1.0

    def read(self, name):
        return self.model.getReal([self.references[name]])[0]


def test_it_is_valid(building_fmu):
    assert [] == validate_fmu(str(building_fmu))
    assert "2.0" == fmpy.read_model_description(str(building_fmu)).fmiVersion


@run_in_child
def test_inputs_act_and_the_connection_is_the_sum(building_fmu, tmp_path):
    stepped = Stepped(building_fmu, tmp_path)
    stepped.step(60, base__load_w=1500.0, sun__w_per_kw=500.0, bat1__setpoint_w=-2000.0)
    assert pytest.approx(1500.0, abs=1) == stepped.read("base.power_w")
    assert pytest.approx(-2000.0, abs=20) == stepped.read("bat1.power_w")
    assert pytest.approx(-3000.0, abs=20) == stepped.read("pv1.power_w")
    soc_pct = stepped.read("bat1.soc_pct")
    total_w = sum(stepped.read(f"{name}.power_w") for name in ("base", "bat1", "pv1", "ev1"))
    assert pytest.approx(total_w, abs=1e-6) == stepped.read("grid.power_w")

    stepped.step(60, ev1__plugged_on=1.0, ev1__current_max_a=10.0, pv1__generation_max_w=1000.0)
    assert pytest.approx(6900.0, abs=100) == stepped.read("ev1.power_w")
    assert pytest.approx(-1000.0, abs=20) == stepped.read("pv1.power_w")
    assert stepped.read("bat1.soc_pct") < soc_pct
    stepped.step(10, ev1__plugged_on=0.0)
    assert 0.0 == stepped.read("ev1.power_w")
    stepped.model.terminate()
    stepped.model.freeInstance()
