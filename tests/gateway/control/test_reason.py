from quartier.control import reason
from quartier.control.caps import Powers, tightest
from quartier.control.reason import Reason, further, grid, rule
from quartier_drivers.who import OURS, Who

DSO = Who("document", "dso", "12", 7)


def test_a_reason_is_the_text_that_people_read():
    assert "import cap" == Reason("import cap", DSO)
    assert {"import cap": 1} == {Reason("import cap", DSO): 1}
    assert f"{Reason('import cap', DSO)}: shed".startswith("import cap")


def test_plain_text_is_a_rule_of_ours():
    assert (OURS, None) == (reason.who("free"), reason.until_utc_ms("free"))
    assert Who("rule", "restore") == rule("restored", "restore").who
    assert Who("grid", "low voltage") == grid("voltage at 88 %", "low voltage").who


def test_what_is_said_further_stays_whose_it_was():
    longer = further(Reason("import cap", DSO, 9000), ": charging paused")
    assert ("import cap: charging paused", DSO, 9000) == (longer, longer.who, longer.until_utc_ms)


def test_the_tightest_cap_keeps_who_is_behind_it():
    sources = [("hard limit", Powers(9, 9)), (Reason("envelope dso 12", DSO), Powers(4, 9))]
    _, whose = tightest(sources)
    assert (DSO, OURS) == (reason.who(whose["import"]), reason.who(whose["export"]))


def test_a_cap_of_a_document_is_behind_every_command_it_caused(plant):
    p = plant(base_w=200, ev_wants_w=11_040, soc_pct=50, loads_w={"heat": 1000})
    p.run(20).cap(import_max_w=2000, whose={"import": Reason("envelope dso 12", DSO)})
    p.run(30)

    caused = [command for _, command in p.log if "envelope dso 12" in command.reason]
    assert {"ev1.current_max_a"} <= {command.point for command in caused}
    assert {DSO} == {command.who for command in caused}


def test_a_command_of_no_cap_says_which_rule_of_ours_it_is(plant):
    p = plant(base_w=2000, soc_pct=50).run(10)
    assert {Who("rule", "self-consumption")} == {
        command.who for _, command in p.log if command.point == "bat1.setpoint_w"
    }
