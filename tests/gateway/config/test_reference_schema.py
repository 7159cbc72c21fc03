import json

from quartier.config.checks.site_draft import ASSET_SECTIONS, FIXED_SECTIONS
from quartier.config.reference import render_json_schema


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
