import json
from pathlib import Path

import pytest

from quartier.config.checks.site_draft import ASSET_SECTIONS, FIXED_SECTIONS
from quartier.config.key_table import list_section_keys
from quartier.config.reference import render_json_schema, render_reference, render_remote_reference

PAGE = Path(__file__).parents[3] / "gateway/docs/site-file.md"


def test_the_committed_page_is_current() -> None:
    assert render_reference() == PAGE.read_text(encoding="utf-8"), (
        "gateway/docs/site-file.md is old: python -m quartier.cli config reference > gateway/docs/site-file.md"
    )


@pytest.mark.parametrize("model", [*FIXED_SECTIONS.values(), *ASSET_SECTIONS.values()])
def test_every_key_stands_on_the_page_with_its_sentence(model: type) -> None:
    text = render_reference()

    assert [] == [
        key.name for key in list_section_keys(model) if f"| `{key.name}` |" not in text or not key.sentence
    ]


def test_the_committed_page_of_what_may_be_changed_from_afar_is_current() -> None:
    page = PAGE.with_name("remote.md")

    assert render_remote_reference() == page.read_text(encoding="utf-8"), (
        "gateway/docs/remote.md is old: python -m quartier.cli config remote > gateway/docs/remote.md"
    )


def test_the_schema_knows_every_section_and_forbids_others() -> None:
    made = json.loads(render_json_schema())

    assert set(FIXED_SECTIONS) < set(made["properties"])
    assert ["assets", "limits", "site"] == sorted(made["required"])
    assert made["additionalProperties"] is False


def test_the_schema_tells_roles_apart_and_carries_sentences_and_ranges() -> None:
    made = json.loads(render_json_schema())

    (asset,) = made["properties"]["assets"]["patternProperties"].values()
    assert set(ASSET_SECTIONS) == set(asset["discriminator"]["mapping"])
    soc = made["$defs"]["BatterySection"]["properties"]["soc_min_pct"]
    assert {"type": "number", "minimum": 0, "maximum": 100, "default": 10} == {
        key: soc[key] for key in ("type", "minimum", "maximum", "default")
    }
    assert "Never discharged below this." == soc["description"]
