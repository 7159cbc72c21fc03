import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.config.checks.site_draft import ASSET_SECTIONS, FIXED_SECTIONS, NAMED_TABLES
from quartier.config.loading import check_site_file, load_site_leniently
from quartier.config.sample import render_sample
from quartier.config.sections.connection_sections import NodeSection
from quartier.config.sections.site_file import DeviceSection
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.registry import BUS_KINDS, load_section

MODELS = [
    *FIXED_SECTIONS.values(),
    *ASSET_SECTIONS.values(),
    DeviceSection,
    NodeSection,
    *(load_section(kind) for kind in BUS_KINDS),
]
KEYS = sorted({key for model in MODELS for key in model.model_fields})
WORDS = [
    *ASSET_SECTIONS,
    *BUS_KINDS,
    "lan",
    "gx",
    "grid",
    "bat1",
    "",
    "victron/gx",
    "eastron/sdm630",
    "battery",
    "mqtts://h",
]
SCALARS = (
    st.sampled_from(WORDS)
    | st.booleans()
    | st.integers(-10, 100_000)
    | st.floats()
    | st.text(max_size=3)
    | st.dates()
)
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.sampled_from(KEYS), SCALARS, max_size=2)
TABLE = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6)
NAMES = st.sampled_from(["lan", "gx", "grid", "bat1", "Bad", "node", "a.b"])
FILES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(FIXED_SECTIONS, VALUES | TABLE),
        **dict.fromkeys(NAMED_TABLES, VALUES | st.dictionaries(NAMES, VALUES | TABLE, max_size=3)),
        "other": VALUES,
    },
)


def faults(load: Callable[[Path], object], path: Path) -> Sequence[Fault]:
    """What is wrong with the file; anything but a ConfigError is a bug and goes on."""
    try:
        load(path)
    except ConfigError as error:
        return error.faults
    return ()


def placeless(path: Path) -> list[str]:
    """Faults of either way to load that say no line."""
    return [
        str(fault)
        for load in (check_site_file, load_site_leniently)
        for fault in faults(load, path)
        if not fault.line
    ]


@examples(40)  # each reads files
@given(data=FILES)
def test_any_file_is_a_site_or_faults_with_lines(data: dict[str, Any], tmp_path_factory: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(tomli_w.dumps(data), encoding="utf-8")

    assert [] == placeless(path)


@examples(40)  # each reads files
@given(data=st.data())
def test_any_one_change_of_the_sample_is_a_site_or_faults_with_lines(
    data: st.DataObject, tmp_path_factory: Any
) -> None:
    tables = tomllib.loads(render_sample())
    table = data.draw(st.sampled_from(sorted(tables)))
    inner = tables[table]
    if table in NAMED_TABLES:
        inner = inner[data.draw(st.sampled_from(sorted(inner)))]
    key = data.draw(st.sampled_from(sorted(inner) + KEYS))
    if data.draw(st.booleans()):
        inner[key] = data.draw(VALUES)
    else:
        inner.pop(key, None)
    path = tmp_path_factory.getbasetemp() / "changed.toml"
    path.write_text(tomli_w.dumps(tables), encoding="utf-8")

    assert [] == placeless(path)


def test_a_daemon_that_starts_strictly_also_starts_leniently(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(render_sample(), encoding="utf-8")

    assert check_site_file(path).site == load_site_leniently(path).site
