import json
import xml.etree.ElementTree as ET
from dataclasses import replace

from quartier_hil.checks.verdicts import Verdict
from quartier_hil.report.verdict_files import JunitSuite, format_junit, write_junit

KEPT = Verdict("cap-kept", "import <= 5 kW", "4.9 kW at most", holds=True)
BROKEN = Verdict("within", "grid <= 1 W", '<3 kW> & "more"', holds=False)


def test_each_promise_is_a_case_and_what_was_measured_says_why_it_failed():
    suite = ET.fromstring(
        format_junit([JunitSuite(scenario="day", verdicts=[KEPT, BROKEN], real_s=1.5, seed=7)])
    )[0]

    assert ("day", "2", "1", "0", "1.500") == tuple(
        suite.get(name) for name in ("name", "tests", "failures", "errors", "time")
    )
    assert ["cap-kept: import <= 5 kW", "within: grid <= 1 W"] == [
        case.get("name") for case in suite.iter("testcase")
    ]
    assert ['<3 kW> & "more"'] == [failure.get("message") for failure in suite.iter("failure")]


def test_a_promise_that_was_not_shown_is_no_pass_and_has_its_own_type():
    idle = Verdict("cap-kept", "import <= 4 kW", "0 s over", holds=True, unshown="import at 45% at most")
    suite = ET.fromstring(format_junit([JunitSuite(scenario="demo", verdicts=[KEPT, BROKEN, idle])]))[0]

    assert ("3", "2") == (suite.get("tests"), suite.get("failures"))
    assert ["broken", "not shown"] == [failure.get("type") for failure in suite.iter("failure")]
    assert "0 s over; import at 45% at most" == list(suite.iter("failure"))[1].get("message")


def test_the_seed_of_a_run_stands_in_its_properties():
    suite = ET.fromstring(format_junit([JunitSuite(scenario="day", verdicts=[KEPT], seed=7)]))[0]

    assert [("seed", "7")] == [(one.get("name"), one.get("value")) for one in suite.iter("property")]


def test_what_could_not_be_run_is_an_error_and_no_failure():
    suite = ET.fromstring(
        format_junit([JunitSuite(scenario="odd", error="odd.toml: events.0: \x00 is unknown")])
    )[0]

    assert ("1", "0", "1") == tuple(suite.get(name) for name in ("tests", "failures", "errors"))
    assert ["odd.toml: events.0: ? is unknown"] == [one.get("message") for one in suite.iter("error")]


def test_the_file_is_left_where_it_is_wanted(tmp_path):
    write_junit(tmp_path / "reports" / "day.xml", [JunitSuite(scenario="day", verdicts=[KEPT])])

    assert "testsuites" == ET.parse(tmp_path / "reports" / "day.xml").getroot().tag


def test_the_rows_that_a_check_proves_are_requirements_of_its_case():
    proven = replace(KEPT, proves=("link.init.caps", "limits.minimum"))
    suite = ET.fromstring(format_junit([JunitSuite(scenario="day", verdicts=[BROKEN, proven])]))[0]
    first, second = suite.iter("testcase")

    assert [] == first.findall("properties/property")
    assert ["link.init.caps", "limits.minimum"] == [
        one.get("value") for one in second.findall("properties/property[@name='requirement']")
    ]
    assert proven == Verdict.from_row(json.loads(json.dumps(proven.row)))
