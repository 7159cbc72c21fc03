import datetime as dt

from quartier_hil.checks.promised_values import (
    PromisedLimit,
    find_promised_limit,
    list_promised_limits,
    make_limit_values,
    read_gateway_limits,
    tighten_by_gateway,
)
from quartier_hil.scenario.scenario_file import Scenario

HOUSE = {
    "contract_import_w": 12_000,
    "contract_export_w": 6_000,
    "failsafe_import_w": 5_000,
    "failsafe_export_w": 4_000,
}


def _promised(*events):
    scenario = Scenario.model_validate(
        {
            "title": "x",
            "start": dt.datetime(2026, 6, 12),  # noqa: DTZ001 - the house's local time
            "duration_s": 10_000,
            "house": HOUSE,
            "events": events,
        }
    )
    return list_promised_limits(scenario)


def test_without_events_the_contract_holds():
    assert (12_000, 6_000, "contract") == (
        _promised()[0].import_w,
        _promised()[0].export_w,
        _promised()[0].whose,
    )


def test_a_document_holds_for_its_time():
    promised = _promised({"do": "caps", "at_s": 100, "for_s": 50, "import_max_w": 3_000})

    assert [12_000, 3_000, 12_000] == [
        find_promised_limit(promised, at_s).import_w for at_s in (99, 100, 150)
    ]
    assert "district" == find_promised_limit(promised, 120).whose


def test_the_fail_safe_cap_is_owed_120_s_after_the_broker_went_until_it_is_back():
    promised = _promised(
        {"do": "broker", "at_s": 1000, "up": False}, {"do": "broker", "at_s": 2000, "up": True}
    )

    assert [12_000, 5_000, 5_000, 12_000] == [
        find_promised_limit(promised, at_s).import_w for at_s in (1119, 1120, 1999, 2000)
    ]
    assert 4_000 == find_promised_limit(promised, 1500).export_w


def test_a_document_with_hold_goes_on_without_the_district():
    promised = _promised(
        {"do": "caps", "at_s": 100, "for_s": 5000, "import_max_w": 8_000, "on_loss": "hold"},
        {"do": "heartbeat", "at_s": 1000, "on": False},
    )

    assert 8_000 == find_promised_limit(promised, 3000).import_w


def test_the_smallest_cap_is_owed():
    promised = _promised(
        {"do": "caps", "at_s": 100, "for_s": 5000, "import_max_w": 3_000},
        {"do": "heartbeat", "at_s": 1000, "on": False},
    )

    assert (3_000, 4_000) == (
        find_promised_limit(promised, 3000).import_w,
        find_promised_limit(promised, 3000).export_w,
    )


def test_what_is_sent_while_nobody_hears_binds_from_the_return_on():
    promised = _promised(
        {"do": "broker", "at_s": 1000, "up": False},
        {"do": "caps", "at_s": 1050, "for_s": 3000, "import_max_w": 2_000},
        {"do": "broker", "at_s": 2000, "up": True},
    )

    assert [12_000, 5_000, 2_000, 12_000] == [
        find_promised_limit(promised, at_s).import_w for at_s in (1060, 1500, 2000, 4050)
    ]


CLOSES = {"do": "contact", "at_s": 100, "closed": True}
OPENS = {"do": "contact", "at_s": 200, "closed": False}
SILENT = {"do": "fault", "at_s": 300, "device": "inputs", "kind": "silent"}
BACK = {"do": "clear", "at_s": 400, "device": "inputs"}


def _contact(*events):
    scenario = Scenario.model_validate(
        {
            "title": "x",
            "start": dt.datetime(2026, 6, 12),  # noqa: DTZ001 - the house's local time
            "duration_s": 1_000,
            "house": HOUSE | {"contact_import_w": 4_200},
            "events": events,
        }
    )
    return [(cap.from_s, cap.import_w, cap.whose) for cap in list_promised_limits(scenario)]


def test_a_closed_contact_and_one_whose_board_is_silent_cap_the_building():
    assert [
        (0, 12_000, "contract"),
        (100, 4_200, "contact"),
        (200, 12_000, "contract"),
        (315, 4_200, "contact"),
        (400, 12_000, "contract"),
    ] == _contact(CLOSES, OPENS, SILENT, BACK)


def test_a_contact_that_stays_closed_or_unread_caps_until_the_end():
    assert [(0, 12_000, "contract"), (100, 4_200, "contact")] == _contact(CLOSES)
    assert [(0, 12_000, "contract"), (315, 4_200, "contact")] == _contact(SILENT)
    assert [(0, 12_000, "contract")] == _contact(SILENT, BACK | {"at_s": 310})


def test_a_smaller_cap_of_the_district_binds_beside_a_closed_contact():
    asked = {"do": "caps", "at_s": 150, "for_s": 20, "import_max_w": 3_000}

    assert (150, 3_000, "district") in _contact(CLOSES, asked, OPENS)


def test_of_two_programs_the_smaller_binds_and_each_has_its_default_after_its_interval():
    promised = _promised(
        {"do": "caps", "at_s": 100, "for_s": 100, "import_max_w": 5_000, "default_import_max_w": 9_000},
        {"do": "caps", "at_s": 300, "for_s": 100, "import_max_w": 7_000, "program": "market"},
    )

    assert [5_000, 9_000, 7_000, 9_000] == [
        find_promised_limit(promised, at_s).import_w for at_s in (100, 200, 300, 400)
    ]


def test_a_document_that_expired_is_owed_nothing():
    promised = _promised({"do": "caps", "at_s": 100, "for_s": 500, "import_max_w": 5_000, "valid_s": 50})

    assert [5_000, 12_000] == [find_promised_limit(promised, at_s).import_w for at_s in (149, 150)]


def test_where_no_fail_safe_value_was_agreed_half_of_the_contract_and_no_export_are_owed(monkeypatch):
    monkeypatch.setitem(HOUSE, "failsafe_agreed", False)
    promised = _promised({"do": "heartbeat", "at_s": 1000, "on": False})

    assert (6_000, 0) == (
        find_promised_limit(promised, 3000).import_w,
        find_promised_limit(promised, 3000).export_w,
    )


def test_the_limit_in_force_is_what_the_gateway_keeps_only_where_that_is_tighter_than_the_promise():
    contract = PromisedLimit(0.0, 12_000, 6_000, "contract")
    failsafe = {"import": {"max_w": 3_500.0, "whose": "fail-safe value"}, "export": {"max_w": 6_000.0}}
    wide = {"import": {"max_w": 20_000.0, "whose": "hard limit"}}

    assert PromisedLimit(0.0, 3_500, 6_000, "fail-safe value") == tighten_by_gateway(contract, failsafe)
    assert contract == tighten_by_gateway(contract, wide) == tighten_by_gateway(contract, {})
    assert {"limit.import_w": 12_000, "limit.export_w": 6_000} == make_limit_values(contract)
    assert failsafe == read_gateway_limits({"mode": "INIT", "caps": failsafe})
    assert {} == read_gateway_limits(None) == read_gateway_limits({})
