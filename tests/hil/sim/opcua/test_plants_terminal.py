from quartier_sim.opcua.plants import WasteTerminal


def test_it_is_shown_what_waits_and_what_runs():
    assert {"power_w", "left_s", "waiting_on", "fans_on"} == set(WasteTerminal().quantities)


def test_a_batch_may_run_until_somebody_says_no():
    terminal = WasteTerminal()
    before = terminal.orders()
    terminal.take("MayRun", 0.0)

    assert ({"run_on": 1.0}, {"run_on": 0.0}) == (before, terminal.orders())
