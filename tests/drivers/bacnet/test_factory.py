import builtins

import pytest
from tests.drivers.bacnet.conftest import bus, profile, spec

from quartier_drivers.bacnet.driver import BacnetDriver
from quartier_drivers.bacnet.factory import FACTORY, load_library
from quartier_drivers.bacnet.network.line import BacnetLine
from quartier_drivers.bacnet.release_writes import write_release
from quartier_drivers.errors import LinkLost
from quartier_drivers.registry import load_factory, load_release, load_section


def test_the_registry_knows_the_factory():
    assert FACTORY is load_factory("bacnet-ip")
    assert "BacnetIpBus" == load_section("bacnet-ip").__name__
    assert write_release is load_release("bacnet-ip")


def test_it_makes_lines_and_drivers(clock):
    line = FACTORY.line("bms", bus(), clock)

    assert isinstance(line, BacnetLine)
    assert isinstance(FACTORY.driver(line, spec(), profile(), clock), BacnetDriver)


async def test_a_library_that_is_not_installed_is_a_lost_bus_with_what_to_do(clock, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("bacpypes3"):
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.delitem(__import__("sys").modules, "quartier_drivers.bacnet.network.library", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(LinkLost, match="bacpypes3 is not installed; pip install bacpypes3"):
        await load_library(BacnetLine("bms", bus(), clock))
