"""The quality scale: what each level asks, and the levels of the shipped profiles."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from quartier_drivers.device_profile import proof_check, proof_files, quality
from quartier_drivers.device_profile.loading import list_profiles, load_profile

README = Path(__file__).parents[3] / "drivers" / "README.md"


@pytest.fixture(scope="module")
def proofs():
    files, faults = proof_files.load_proofs(())
    assert [] == faults
    return files


def rate(profile, proofs):
    return quality.find_quality(profile, proof_check.prove_profile(profile, proofs.get(profile.name, ())))


def test_every_shipped_profile_is_bronze_at_least_and_no_level_is_lost(proofs):
    found = {name: rate(load_profile(name), proofs) for name in list_profiles()}

    assert [] == [name for name, one in found.items() if one.level == "none"]
    # A ratchet: a change may raise this count, and none may lower it.
    assert Counter(one.level for one in found.values())["silver"] >= 61


def test_what_the_next_level_needs_is_named(proofs):
    keba = rate(load_profile("keba/p30"), proofs)

    assert "bronze; silver needs: manual, two sources" == str(keba)


def test_a_quantity_outside_of_the_vocabulary_costs_the_level(proofs):
    profile = load_profile("keba/p30")
    (points,) = profile.parts.values()
    other = replace(profile, parts={"": {f"un{name}": point for name, point in points.items()}})

    found = rate(other, proofs)
    assert "none" == found.level
    assert "vocabulary" in {rule.name for rule in found.lacks}


def test_a_device_that_was_tried_and_captured_and_read_twice_is_gold(proofs):
    profile = load_profile("enedis/linky_standard")
    proof = proof_check.prove_profile(profile, proofs[profile.name])
    tried = replace(profile, head=profile.head.model_copy(update={"tested": "firmware 3"}))
    seen = replace(proof, level="device")
    read = next(
        one for record in proofs.values() for file in record for one in file.checks if one.agree == one.points
    )

    assert "gold" == str(quality.find_quality(tried, replace(seen, checks=(read,))))
    assert "silver; gold needs: second reader" == str(quality.find_quality(tried, replace(seen, checks=())))


def test_the_page_has_each_rule_and_no_other():
    lines = README.read_text("utf-8").partition("### Quality")[2].partition("\n### ")[0].splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith(("| level", "| ---"))]

    assert [f"| {one.level} | {one.name} | {one.asks} |" for one in quality.QUALITY_RULES] == rows


def test_there_are_at_most_twenty_rules():
    assert len(quality.QUALITY_RULES) <= 20
