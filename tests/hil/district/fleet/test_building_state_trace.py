from quartier_district.fleet.building_state import SAMPLE_S, LoadTrace


def test_who_is_silent_counts_at_the_share_and_what_else_hangs_there_is_added(roster, members, wire, now_ms):
    found = roster(3, transformer={"import_max_w": 20_000.0, "export_max_w": 9_000.0, "other_w": 700.0})
    everyone, trace = members(found), LoadTrace()
    wire.birth(everyone[0], now_ms, grid__power_w=2_500.0)
    wire.birth(everyone[1], now_ms, grid__power_w=-500.0)
    trace.see(everyone, found, now_ms)

    assert (6_700.0, 4_700.0) == (trace.last_w, trace.samples[-1].assumed_w)


def test_a_sample_is_taken_each_so_many_seconds(roster, members, now_ms):
    found, trace = roster(), LoadTrace()
    for second in range(int(SAMPLE_S) + 1):
        trace.see(members(found), found, now_ms + second * 1_000)

    assert 2 == len(trace.samples)
