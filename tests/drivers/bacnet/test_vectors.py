"""Every built-in BACnet profile against values typed from its object list: present values, and what they mean."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.drivers.builtin_profiles import list_names, load_builtin, load_vectors

from quartier_drivers.bacnet.profile import BacnetProfile
from quartier_drivers.bacnet.read_jobs import make_meaning
from quartier_drivers.bacnet.schema import BacnetPoint
from quartier_drivers.points import parse_quantity

BACNET = list_names(BacnetProfile)
CASES = [
    pytest.param(name, one, id=f"{name}: {one['name']}")
    for name in BACNET
    for one in load_vectors(name)["case"]
]


def points(name: str) -> dict[str, BacnetPoint]:
    """Part and quantity of each point."""
    parts = load_builtin(name).parts
    return {f"{part}.{key}".lstrip("."): one for part, found in parts.items() for key, one in found.items()}


@pytest.mark.parametrize(("name", "case"), CASES)
def test_present_values_become_values_in_the_houses_units(name: str, case: Mapping[str, Any]) -> None:
    found = {}
    for path, point in points(name).items():
        quantity = path.rpartition(".")[2]
        value = make_meaning(path, quantity, point, None).value(float(case["objects"][str(point.place)]))
        assert value is not None, path
        found[path] = {"bool": bool, "int": int, "float": float}[parse_quantity(quantity).kind](value)

    assert case["expected"] == {path: pytest.approx(value, rel=1e-7) for path, value in found.items()}


@pytest.mark.parametrize("name", BACNET)
def test_every_command_says_what_release_leaves(name: str) -> None:
    release = {one["point"]: one["value"] for one in load_vectors(name).get("release", [])}
    says = {path: point.write.on_release for path, point in points(name).items() if point.write is not None}

    assert release == {path: "null" if value == "own" else value for path, value in says.items()}
