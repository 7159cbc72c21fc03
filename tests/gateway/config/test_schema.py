import json

from quartier.config.draft import FIXED, ROLES
from quartier.config.schema import schema


def test_the_schema_knows_every_section_and_forbids_others() -> None:
    made = json.loads(schema())

    assert set(FIXED) < set(made["properties"])
    assert ["assets", "limits", "site"] == sorted(made["required"])
    assert made["additionalProperties"] is False


def test_the_schema_tells_roles_apart_and_carries_sentences_and_ranges() -> None:
    made = json.loads(schema())

    (asset,) = made["properties"]["assets"]["patternProperties"].values()
    assert set(ROLES) == set(asset["discriminator"]["mapping"])
    soc = made["$defs"]["Battery"]["properties"]["soc_min_pct"]
    assert {"type": "number", "minimum": 0, "maximum": 100, "default": 10} == {
        key: soc[key] for key in ("type", "minimum", "maximum", "default")
    }
    assert "Never discharged below this." == soc["description"]
