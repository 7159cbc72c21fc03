"""Every built-in profile against registers typed from its manual."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.drivers.builtin_profiles import NAMES, VECTORS, list_names, load_builtin, load_vectors

from quartier_drivers import register_codec
from quartier_drivers.bacnet.profile import BacnetProfile
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile.loading import RegisterProfile
from quartier_drivers.device_profile.schema import Point
from quartier_drivers.meter.profile import MeterProfile
from quartier_drivers.modbus import write_requests
from quartier_drivers.modbus.frames import Request
from quartier_drivers.modbus.served_points import ServedPoint, ServedPoints
from quartier_drivers.readings import Quality
from quartier_drivers.sunspec.profile import SunspecProfile

METERS, SUNSPEC, BACNET = map(list_names, (MeterProfile, SunspecProfile, BacnetProfile))
PROFILES = [name for name in NAMES if name not in {*METERS, *SUNSPEC, *BACNET}]
UNIT = 7


def each(kind: str) -> list[Any]:
    return [
        pytest.param(name, one, id=f"{name}: {one['name']}")
        for name in PROFILES
        if (VECTORS / f"{name}.toml").is_file()
        for one in load_vectors(name).get(kind, [])
    ]


def point_of(loaded: RegisterProfile, path: str) -> Point:
    part, _, quantity = path.rpartition(".")
    return loaded.parts[part][quantity]


def decoded(loaded: RegisterProfile, registers: Mapping[str, Any]) -> dict[str, register_codec.Decoded]:
    return {
        f"{part}.{quantity}".lstrip("."): found
        for part in loaded.parts
        for quantity, found in register_codec.decode_part(loaded, part, registers).items()
    }


def owned(loaded: RegisterProfile, path: str) -> ServedPoint:
    part, _, quantity = path.rpartition(".")
    return ServedPoints(DeviceSpec("device", UNIT, {part: "owner"}), loaded)[f"owner.{quantity}"]


def place(request: Request) -> str:
    table = "coil" if request.function in (5, 15) else "holding"
    address = f"{table}:{request.address}"
    return address if request.unit == UNIT else f"{request.unit}/{address}"


def test_every_profile_has_vectors_and_there_are_none_without_a_profile() -> None:
    files = {f"{file.parent.name}/{file.stem}" for file in VECTORS.glob("*/*.toml")}

    assert set(NAMES) == files


@pytest.mark.parametrize("name", PROFILES)
def test_every_point_appears_in_a_case_or_in_a_write_if_it_cannot_be_read(name: str) -> None:
    points = {
        f"{part}.{quantity}".lstrip("."): point
        for part, points in load_builtin(name).parts.items()
        for quantity, point in points.items()
    }
    unread = {path for path, point in points.items() if point.write and point.write.confirm == "none"}
    typed = load_vectors(name)
    cased = {path for case in typed["case"] for path in case.get("expected", {})}

    assert set(points) - unread == cased
    assert unread <= {write["point"] for write in typed.get("write", [])}


@pytest.mark.parametrize("name", PROFILES)
def test_every_writable_point_has_a_limit_that_its_register_holds(name: str) -> None:
    for points in load_builtin(name).parts.values():
        for point in (point for point in points.values() if point.write is not None):
            for limit in register_codec.find_write_range(point):
                register_codec.encode_point(point, limit)


@pytest.mark.parametrize(("name", "case"), each("case"))
def test_registers_become_values(name: str, case: Mapping[str, Any]) -> None:
    found = decoded(load_builtin(name), case["registers"])
    bad = set(case.get("bad", []))

    assert set(case.get("expected", {})) | bad == set(found)
    for point, value in case.get("expected", {}).items():
        assert (value if isinstance(value, str) else pytest.approx(value, rel=1e-7)) == found[point][0]
        assert type(value) is type(found[point][0])
    assert {point: Quality.BAD if point in bad else Quality.GOOD for point in found} == {
        point: quality for point, (_, quality) in found.items()
    }


@pytest.mark.parametrize(("name", "write"), each("write"))
def test_values_become_registers(name: str, write: Mapping[str, Any]) -> None:
    loaded = load_builtin(name)

    requests = write_requests.make_setpoint(owned(loaded, write["point"]), write["value"], 0, loaded.limits)

    assert list(write["registers"].items()) == [(place(one), list(one.values)) for one in requests]


@pytest.mark.parametrize(("name", "release"), each("release"))
def test_release_writes_what_the_profile_says(name: str, release: Mapping[str, Any]) -> None:
    loaded = load_builtin(name)

    requests = write_requests.make_release(owned(loaded, release["point"]), None, 0, loaded.limits)

    assert list(release["registers"].items()) == [(place(one), list(one.values)) for one in requests]


@pytest.mark.parametrize("name", PROFILES)
def test_every_writable_point_has_a_release_case(name: str) -> None:
    loaded = load_builtin(name)
    writable = {
        f"{part}.{quantity}".lstrip(".")
        for part, points in loaded.parts.items()
        for quantity, point in points.items()
        if point.write is not None
    }

    assert writable == {release["point"] for release in load_vectors(name).get("release", [])}


@pytest.mark.parametrize(("name", "refused"), each("refused"))
def test_values_beyond_the_limits_are_refused(name: str, refused: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match="outside"):
        register_codec.encode_point(point_of(load_builtin(name), refused["point"]), refused["value"])
