"""SunSpec devices: images encoded by pysunspec2, served by a server that is not ours."""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

import pytest
from sunspec2.file.client import FileClientModel
from tests.drivers.modbus.conftest import Asked, Device, TcpServer, tcp

from quartier_drivers.sunspec.device import SunspecDevice as KnownDevice
from quartier_drivers.sunspec.model_chain import FoundModel, ModelChain
from quartier_drivers.sunspec.model_reading import find_leaves
from quartier_drivers.sunspec.models import find_model

MARKER = [0x5375, 0x6E53]
IMAGES = ("device_1547", "inverter_123")


def words_of(values: Mapping[str, Any], length: int | None = None) -> list[int]:
    """The registers of one model, as pysunspec2 encodes it; what is not given is not implemented."""
    model = FileClientModel(model_id=values["ID"], model_len=length or values.get("L"), data=values)
    data = b"".join(_encoded(model))
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def _encoded(group: Any) -> Iterator[bytes]:
    for point in group.points.values():
        yield point.get_mb()
    for inner in group.groups.values():
        for one in inner if isinstance(inner, list) else [inner]:
            yield from _encoded(one)


def chain_of(models: Sequence[Mapping[str, Any]], base: int = 40000) -> dict[int, int]:
    """The whole map of a device: marker, models, end."""
    words = list(MARKER)
    for values in models:
        words += words_of(values)
    words += [0xFFFF, 0]
    return dict(enumerate(words, base))


def image(name: str) -> list[dict[str, Any]]:
    """The models of one of pysunspec2's own device images."""
    text = files("sunspec2").joinpath("tests", "test_data", f"{name}.json").read_text(encoding="utf-8")
    models = json.loads(text)["models"]
    return [model for model in models if model["ID"] != 0xFFFF]


def device_of(models: Sequence[Mapping[str, Any]]) -> KnownDevice:
    """A device of these models, all of it read."""
    memory: dict[int, int | None] = dict(chain_of(models))
    at, found, layouts = 40002, [], {}
    for values in models:
        number, length = values["ID"], memory[at + 1]
        one = FoundModel(number, at, length or 0)
        found.append(one)
        definition = find_model(number)
        assert definition is not None
        layouts[one] = find_leaves(definition, one, [memory[place] for place in range(at, one.end)])
        at = one.end
    return KnownDevice(ModelChain(40000, tuple(found)), layouts, memory)


class Inverter(Device):
    """A device that refuses whatever lies outside its map, and more than ``longest`` registers at once."""

    def __init__(self, server: TcpServer) -> None:
        super().__init__(server)
        self.longest = 125
        self.silent: set[int] = set()

    def answer(self, asked: Asked) -> bytes:
        count = int.from_bytes(asked.pdu[3:5], "big") if asked.pdu[0] in (3, 4, 16) else 1
        places = range(asked.start, asked.start + count)
        if self.silent.intersection(places):
            return b""
        refused = asked.pdu[0] in (3, 4) and count > self.longest
        outside = not all(at in self.words for at in places)
        if refused or outside:
            code = bytes([asked.pdu[0] | 0x80, 3 if refused else 2])
            return tcp(asked.number, asked.unit, code)
        if asked.pdu[0] == 16:
            data = asked.pdu[6:]
            for step in range(count):
                self.words[asked.start + step] = int.from_bytes(data[2 * step : 2 * step + 2], "big")
            return tcp(asked.number, asked.unit, asked.echo())
        return super().answer(asked)


@pytest.fixture
def inverter(tcp_server: TcpServer) -> Inverter:
    return Inverter(tcp_server)
