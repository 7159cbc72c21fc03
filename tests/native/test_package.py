"""What ``import quartier_native`` gives."""

import os
import subprocess
import sys

import pytest

import quartier_native


@pytest.mark.parametrize("name", ["cython", "reference"])
def test_the_environment_chooses_for_the_whole_package(name: str) -> None:
    code = (
        "import quartier_native as q; from quartier_native import bacnet as b, fleets as f, meters as m, storages as t, sunspec as s; e = q.engine(); "
        "print(e.name, all(k == m.__module__ for k, m in "
        "zip(e.kernels.values(), (q.allocate, q.Gates, q.MetricWriter, q.Questions, q.crc16, q.encode_series, "
        "q.part_strands, q.gather, q.Tree, b.hear, f.Fleet, t.solve_interior, t.plan_levels, m.LineReader, m.read_listings, m.read_objects, t.plan_many, b.PropertyReader, m.split_records, t.plan_sampled, s.scaled, m.SetReader, t.plan_storage, m.Group), strict=True)))"
    )
    folders = os.pathsep.join(sys.path)
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"QUARTIER_ENGINE": name, "PYTHONPATH": folders},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{name} True" == result.stdout.strip()


def test_the_package_gives_what_the_engine_computes() -> None:
    assert quartier_native.allocate.__module__ == quartier_native.engine().kernels["allocation"]
    assert quartier_native.part_strands.__module__ == quartier_native.engine().kernels["strands"]
    assert quartier_native.Gates.__module__ == quartier_native.engine().kernels["gates"]
    assert quartier_native.decode_series.__module__ == quartier_native.engine().kernels["series"]


def test_what_bacnet_and_smart_meters_need_is_not_loaded_without_them() -> None:
    code = "import sys, quartier_native; print(sorted({name.split('.')[-1] for name in sys.modules} & set(quartier_native.choice.LATER)))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "[]" == result.stdout.strip()
