"""A device made from any profile: its registers, its orders and its limits, over real sockets."""

import math
from collections.abc import Mapping

import pytest
from tests.drivers.builtin_profiles import VECTORS, load_builtin, load_vectors
from tests.drivers.modbus.conftest import HandClock

from quartier_drivers import register_codec
from quartier_drivers.contract import Command, DeviceSpec
from quartier_drivers.device_profile.loading import RegisterProfile, list_profiles, load_profile
from quartier_drivers.device_profile.register_address import parse_address
from quartier_drivers.errors import Refused
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.factory import FACTORY
from quartier_drivers.readings import Quality, Reading
from quartier_sim.modbus.endpoints import serve_tcp
from quartier_sim.modbus.profile_device import ProfileDevice

PROFILES = [name for name in list_profiles() if load_profile(name).protocol == "modbus"]
UNIT = 7


def make_device(name) -> ProfileDevice:
    loaded = load_builtin(name)
    assert isinstance(loaded, RegisterProfile)
    return ProfileDevice(loaded, UNIT)


def list_points(name):
    return {
        f"{part}.{quantity}".lstrip("."): (quantity, point)
        for part, quantities in load_builtin(name).parts.items()
        for quantity, point in quantities.items()
    }


def read_words(device, point):
    unit = device.units[UNIT if point.unit is None else point.unit]
    return unit.get(point.address.table, point.address.number, point.width)


def find_typed_words(registers, point):
    """The registers of a point as somebody typed them from the maker's manual."""
    typed = {}
    for key, words in registers.items():
        unit, _, place = key.rpartition("/")
        start = parse_address(place)
        for step, word in enumerate(words):
            typed[int(unit) if unit else None, start.table, start.number + step] = int(word)
    at = point.address
    return [typed[point.unit, at.table, at.number + step] for step in range(point.width)]


@pytest.mark.parametrize("name", [name for name in PROFILES if (VECTORS / f"{name}.toml").is_file()])
def test_a_value_stands_in_the_registers_that_were_typed_from_the_manual(name):
    points = list_points(name)
    for case in load_vectors(name)["case"]:
        device = make_device(name)
        shown = {
            path: float(value)
            for path, value in case.get("expected", {}).items()
            if not isinstance(value, str) and path not in case.get("bad", [])
        }
        device.show(shown)
        for path, value in shown.items():
            quantity, point = points[path]
            if point.field is None and point.sum_of == 1 and point.scale_address is None:
                assert find_typed_words(case["registers"], point) == read_words(device, point), path
            else:  # flags of other points are in the same register; a sum may be shared out in any way
                decoded, _ = register_codec.decode_point(quantity, point, read_words(device, point))
                assert decoded == pytest.approx(value, rel=1e-3), path


class Rig:
    """The product's driver, connected to a served device."""

    def __init__(self, name, endpoint, clock) -> None:
        bus = TcpBus(
            kind="modbus-tcp", host=endpoint.host, port=endpoint.port, timeout_s=5.0, retries_count=0
        )
        loaded = load_builtin(name)
        self.clock = clock
        self.line = FACTORY.line("net", bus, clock)
        owners = {part: part or "main" for part in loaded.parts}
        self.driver = FACTORY.driver(self.line, DeviceSpec("dev", UNIT, owners), loaded, clock)

    async def read_all(self) -> Mapping[str, Reading]:
        await self.driver.open()
        found: dict[str, Reading] = {}
        for _ in self.driver.jobs:  # each is due at first, apart by the pause of the profile
            self.clock.ns = max(self.clock.ns, self.driver.due_ns)
            found |= {reading.point: reading for reading in await self.driver.read()}
        return found


def name_of(path):
    part, _, quantity = path.rpartition(".")
    return f"{part or 'main'}.{quantity}"


@pytest.mark.parametrize("name", PROFILES)
async def test_every_point_of_every_profile_is_read_and_good(name):
    clock = HandClock()
    async with await serve_tcp(make_device(name)) as endpoint:
        rig = Rig(name, endpoint, clock)
        found = await rig.read_all()
        await rig.line.close()

    unread = {
        name_of(path)
        for path, (_, point) in list_points(name).items()
        if point.write is not None and point.write.confirm == "none"
    }
    assert {name_of(path) for path in list_points(name)} - unread <= set(found)
    assert {} == {point: one for point, one in found.items() if one.quality is not Quality.GOOD}


ORDERS = [(name, path) for name in PROFILES for path, (_, point) in list_points(name).items() if point.write]


@pytest.mark.parametrize(("name", "path"), ORDERS, ids=str)
async def test_an_order_acts_until_the_fallback_of_the_profile(name, path):
    clock, device = HandClock(), make_device(name)
    point = list_points(name)[path][1]
    low, high = register_codec.find_write_range(point)
    codes = point.write.codes
    value = float(max(codes)) if codes else round(low + (high - low) * 0.75)
    async with await serve_tcp(device) as endpoint:
        rig = Rig(name, endpoint, clock)
        await rig.read_all()
        device.tick(100.0)
        await rig.driver.write(Command(name_of(path), value, clock.now_ns() + 10**12))
        await rig.line.close()

    step = abs(register_codec.make_write_source(point).scale) * point.sum_of
    assert device.orders()[path] == pytest.approx(value, abs=step)
    fallback = point.write.fallback
    if fallback is None or fallback.holds:
        device.tick(1_000_000.0)
        assert device.orders()[path] == pytest.approx(value, abs=step)
        return
    after_s = fallback.after_s
    device.tick(100.0 + after_s - 1.0)
    assert path in device.orders()
    device.tick(100.0 + 20 * after_s)
    expected = None if isinstance(fallback.value, str) else fallback.value
    assert expected == device.orders().get(path)


def test_the_limits_of_the_profile_are_those_of_the_device():
    device = make_device("eastron/sdm630")
    unit = device.units[UNIT]

    assert bytes([4, 160]) == unit.answer(bytes([4, 0, 0, 0, 80]))[:2]
    assert bytes([0x84, 3]) == unit.answer(bytes([4, 0, 0, 0, 82])), "more registers than a read may have"
    assert bytes([0x86, 1]) == unit.answer(bytes([6, 0, 0, 0, 1])), "nothing there takes orders"


async def test_a_value_outside_of_its_range_is_refused_and_changes_nothing():
    device = make_device("keba/p30")
    async with await serve_tcp(device) as endpoint:
        rig = Rig("keba/p30", endpoint, HandClock())
        await rig.read_all()
        with pytest.raises(Refused):
            await rig.driver.write(Command("main.current_max_a", 40.0, math.inf))
        await rig.line.close()

    assert {} == device.orders()
    words = [40_000 >> 8, 40_000 & 0xFF]
    assert bytes([0x86, 3]) == device.units[UNIT].answer(bytes([6, 5004 >> 8, 5004 & 0xFF, *words]))
    assert {} == device.orders()


def test_a_total_power_completes_the_phases_and_no_other_part():
    device = make_device("abb/b23")
    device.show({"power_w": 3_000.0})

    points = list_points("abb/b23")
    for phase in ("l1", "l2", "l3"):
        quantity, point = points[f"power_{phase}_w"]
        assert 1_000.0 == register_codec.decode_point(quantity, point, read_words(device, point))[0]


def test_an_unknown_quantity_is_an_error():
    with pytest.raises(KeyError, match="flow_m3_per_h"):
        make_device("abb/b23").show({"flow_m3_per_h": 1.0})


def test_a_loss_of_power_ends_every_order():
    device = make_device("waveshare/relay8")
    (first, *_) = [path for path, (_, point) in list_points("waveshare/relay8").items() if point.write]
    address = list_points("waveshare/relay8")[first][1].address.number
    device.units[UNIT].answer(bytes([5, address >> 8, address & 0xFF, 0xFF, 0]))
    assert {first: 1.0} == device.orders()

    device.fault("off")
    assert {} == device.orders()
