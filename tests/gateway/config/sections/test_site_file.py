"""What is recorded is bounded, whatever the site file says."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from quartier.config.checks.site_draft import ASSET_SECTIONS, FIXED_SECTIONS
from quartier.config.sections.connection_sections import DistrictLinkSection, NodeSection
from quartier.config.sections.site_file import DeviceSection, LimitsSection, RecordingSection, StoreSection
from quartier_drivers.points import KIND_SUFFIXES as UNITLESS
from quartier_drivers.points import UCUM_UNITS
from quartier_drivers.registry import BUS_KINDS, load_section

MODELS = [
    *FIXED_SECTIONS.values(),
    *ASSET_SECTIONS.values(),
    DeviceSection,
    NodeSection,
    *(load_section(kind) for kind in BUS_KINDS),
]


@pytest.mark.parametrize("model", MODELS)
def test_every_key_has_its_sentence(model: type) -> None:
    assert [] == [name for name, field in model.model_fields.items() if not field.description]  # type: ignore[attr-defined] # a model


@pytest.mark.parametrize("model", MODELS)
def test_every_number_carries_its_unit_in_its_name(model: type) -> None:
    # Counts of things and addresses have none.
    bare = {"unit", "client", "device_id", "port", "baud", "stop_bits", "phases"}
    bare |= {"latitude", "longitude", "size_max_mb", "buffer_max_bytes"}
    numbers = [
        name
        for name, schema in model.model_json_schema()["properties"].items()  # type: ignore[attr-defined] # a model
        if "number" in str(schema) or "integer" in str(schema)
    ]
    suffixes = tuple(f"_{unit}" for unit in (*UCUM_UNITS, *UNITLESS))

    assert [] == [name for name in numbers if not name.endswith(suffixes) and name not in bare]


def test_a_hard_limit_is_the_least_of_contract_and_fuses() -> None:
    limits = LimitsSection(
        contract_import_w=9000, contract_export_w=3000, import_max_w=7000, export_max_w=6000
    )

    assert (7000, 3000) == (limits.import_hard_w, limits.export_hard_w)
    assert (4500, 7000) == (limits.import_failsafe_w, limits.import_autonomous_w)
    assert (0, 3000) == (limits.export_failsafe_w, limits.export_autonomous_w)


def test_a_section_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        StoreSection().commit_s = 1.0  # type: ignore[misc] # what must not work


def test_a_broker_has_its_usual_ports() -> None:
    assert ("broker.example", 8883, True) == _parts("mqtts://broker.example")
    assert ("::1", 1883, False) == _parts("mqtt://[::1]")
    assert ("broker.example", 443, True) == _parts("mqtts://broker.example:443")


def _parts(url: str) -> tuple[str, int, bool]:
    link = DistrictLinkSection(url=url)
    return link.host, link.port, link.tls


def test_the_history_lies_in_the_state_directory_unless_its_path_is_absolute() -> None:
    assert Path("/var/lib/quartier/history.db") == StoreSection().file(Path("/var/lib/quartier"))
    assert Path("/data/h.db") == StoreSection(path="/data/h.db").file(Path("/var/lib/quartier"))


def test_by_itself_a_minute_or_256_kb_a_bus_and_twenty_files():
    found = RecordingSection()

    assert (512_000, 60.0, 20) == (found.buffer_max_bytes, found.buffer_s, found.files_max_count)


@pytest.mark.parametrize(
    ("key", "value"), [("buffer_max_bytes", 17_000_000), ("buffer_s", 1.0), ("files_max_count", -1)]
)
def test_what_is_outside_its_bounds_is_a_fault(key, value):
    with pytest.raises(ValidationError, match=key):
        RecordingSection(**{key: value})
