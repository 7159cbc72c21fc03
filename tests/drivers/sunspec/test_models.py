"""The definitions of the standard, as the Alliance's files give them."""

import subprocess
import sys
from importlib.resources import files

import pytest

from quartier_drivers.sunspec.models import FILL_WORD, NUMBER_TYPES, find_model

NUMBERS = sorted(
    int(file.name.removeprefix("model_").removesuffix(".json"))
    for file in files("sunspec2").joinpath("models", "json").iterdir()
    if file.name.startswith("model_")
)
TEXTS = {"string", "ipaddr", "ipv6addr", "eui48"}


def test_every_file_of_the_package_is_a_model():
    assert 112 == len(NUMBERS)
    assert all(find_model(number) is not None for number in NUMBERS)


def test_none_of_the_packages_code_runs():
    code = (
        "import sys; from quartier_drivers.sunspec.models import find_model; find_model(701);"
        "sys.exit(any(name.startswith(('sunspec2.', 'serial')) for name in sys.modules))"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}

    assert 0 == subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode


def test_a_makers_own_model_is_none():
    assert find_model(64999) is None


@pytest.mark.parametrize("number", NUMBERS)
def test_every_type_is_known_and_every_scale_factor_is_there(number):
    def look(group, names):
        here = names | {entry.name for entry in group.entries if entry.type_name == "sunssf"}
        for entry in group.entries:
            assert entry.type_name in {*NUMBER_TYPES, *TEXTS}
            assert entry.scale is None or isinstance(entry.scale, int) or entry.scale in here
        for inner in group.groups:
            look(inner, here)

    look(find_model(number).group, set())


def test_lengths_groups_symbols_and_access_are_the_standards():
    common, mppt, controls = find_model(1), find_model(160), find_model(123)

    assert (66, "Common", False) == (common.length, common.label, common.repeats)
    assert (FILL_WORD, True) == (mppt.group.groups[0].count, mppt.repeats)
    entries = {entry.name: entry for entry in controls.group.entries}
    assert {0: "DISABLED", 1: "ENABLED"} == dict(entries["WMaxLim_Ena"].symbols)
    assert "WMaxLimPct_SF" == entries["WMaxLimPct"].scale
    assert entries["WMaxLimPct"].writable
    assert not entries["WMaxLimPct_SF"].writable
