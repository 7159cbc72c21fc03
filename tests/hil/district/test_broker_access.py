"""mosquitto's access list says what spec/sync.md#section-6 says, and nothing else."""

import re
from pathlib import Path

from quartier_district.broker_access import format_access_list


def test_a_gateway_writes_and_reads_its_own_topics_and_nothing_else():
    text = format_access_list("issy", ["b012"], "optimiser")
    own = text.split("user issy.b012\n")[1].splitlines()
    assert 9 == sum(line.startswith("topic write ") for line in own)
    assert 12 == sum(line.startswith("topic read ") for line in own)
    assert [] == [line for line in own if "b012" not in line and "/issy/" not in line and "STATE" not in line]
    assert not any("#" in line for line in own)


def test_each_gateway_has_its_own_part():
    text = format_access_list("issy", ["b012", "b013"], "optimiser")
    first, second = text.split("user issy.b012\n")[1].split("user issy.b013\n")
    assert ("b013" in first, "b012" in second) == (False, False)


def test_no_line_is_for_everybody():
    assert format_access_list("issy", ["b012"], "optimiser").startswith("# The host")
    assert "pattern" not in format_access_list("issy", ["b012"], "optimiser")


def test_the_list_on_the_districts_page_is_the_one_that_is_made():
    page = (Path(__file__).parents[3] / "gateway/docs/district.md").read_text(encoding="utf-8")
    shown = re.search(r"^```\n(user issy\.b012\n.*?)^```$", page, re.MULTILINE | re.DOTALL)[1]
    made = format_access_list("issy", ["b012"], "optimiser")
    assert made[made.index("user issy.b012") :].splitlines() == shown.splitlines()
