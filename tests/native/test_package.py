"""What ``import quartier_native`` gives."""

import os
import subprocess
import sys

import pytest

import quartier_native


@pytest.mark.parametrize("name", ["cython", "reference"])
def test_the_environment_chooses_for_the_whole_package(name: str) -> None:
    code = (
        "import quartier_native as q; from quartier_native import bacnet as b, fleets as f, storages as t, sunspec as s; e = q.engine(); "
        "print(e.name, all(k == m.__module__ for k, m in "
        "zip(e.kernels.values(), (q.allocate, q.Gates, q.MetricWriter, q.Questions, q.crc16, q.encode_series, "
        "q.part_strands, q.gather, q.Tree, b.hear, f.Fleet, t.solve_interior, t.plan_levels, b.PropertyReader, t.plan_sampled, s.scale_numbers, t.plan_storage), strict=True)))"
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


def test_kernels_that_few_sites_need_are_loaded_on_first_use() -> None:
    code = "import sys, quartier_native; print(sorted({name.split('.')[-1] for name in sys.modules} & set(quartier_native.engine_choice.LATER_KERNELS)))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "[]" == result.stdout.strip()
