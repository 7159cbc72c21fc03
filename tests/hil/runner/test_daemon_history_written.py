import json

from quartier_hil.runner.daemon_history import read_write_ledger

ENTRY = {
    "utc_ms": 1_010_000,
    "last_ms": 1_020_000,
    "point": "bat1.setpoint_w",
    "before": 0.0,
    "value": -500.0,
    "shown": -499.0,
    "why": "self-consumption",
    "outcome": "done",
    "end": "",
    "count": 9,
    "who_words": "rule",
    "boot": 3,
}


class Told:
    """Answers as `quartier why` does."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    async def command(self, *words):
        self.asked.append(words)
        return self.answers.get(words[1], (1, "no such asset"))


async def test_rows_of_all_assets_come_in_order_of_time_in_seconds_of_the_scenario():
    later = {**ENTRY, "utc_ms": 1_030_000, "point": "ev1.current_max_a"}
    daemon = Told(ev1=(0, json.dumps({"rows": [later]})), bat1=(0, json.dumps({"rows": [ENTRY]})))
    found = await read_write_ledger(daemon, "site.toml", ["ev1", "bat1"], 1_000.0)

    assert [(10.0, "bat1.setpoint_w", "rule", 9), (30.0, "ev1.current_max_a", "rule", 9)] == [
        (row.at_s, row.point, row.who, row.count) for row in found
    ]
    assert ("why", "ev1", "--config", "site.toml", "--all", "--json") == daemon.asked[0]


async def test_an_asset_of_which_nothing_is_told_has_no_rows():
    assert [] == await read_write_ledger(Told(bat1=(0, "no JSON")), "site.toml", ["bat1", "ev1"], 0.0)
