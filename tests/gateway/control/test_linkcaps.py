from dataclasses import replace

from quartier.control import link
from quartier.control.wishes import Interval


def test_a_random_start_delays_what_loosens_and_not_what_tightens(drive, paper, limits):
    steps = (Interval(1000, 8000), Interval(1000, 2000), Interval(9000, 8000))
    made = replace(paper(), intervals=steps, randomize_start_s=600)
    seen = {}
    for seed in range(20):
        d = drive(params=link.LinkParams(limits=limits, seed=seed)).start()
        d.give(made)
        d.beats_until(1001)
        assert 2000 == d.caps.import_max_w
        d.beats_until(2001)
        seen[seed] = d.caps.import_max_w
        d.beats_until(2601)
        assert 8000 == d.caps.import_max_w

    assert {2000} == set(seen.values())


def test_seeds_spread_buildings_and_each_repeats_itself(drive, paper, limits):
    made = replace(paper(), intervals=(Interval(1000, 2000), Interval(9000, 8000)), randomize_start_s=600)

    def at_1300(seed):
        d = drive(params=link.LinkParams(limits=limits, seed=seed)).start()
        d.give(made)
        return d.beats_until(1300).caps.import_max_w

    first = [at_1300(seed) for seed in range(30)]

    assert {2000, 8000} == set(first)
    assert first == [at_1300(seed) for seed in range(30)]


def test_caps_are_those_of_the_hard_limits_where_nothing_else_says_less(drive):
    d = drive().controlled(import_w=1e6, export_w=1e6)

    assert {"import": "hard limit", "export": "hard limit"} == d.caps.whose
    assert (None, None) == (d.caps.generation_max_w, d.caps.consumption_max_w)


def test_the_cap_of_a_document_names_it_by_program_id_and_seq(drive):
    d = drive().controlled(import_w=3000)
    found = d.caps.whose["import"]

    assert ("document", found.split()[1], found.split()[2]) == (found.who.kind, found.who.name, found.who.id)
    assert d.state.programs[0].envelope.seq == found.who.seq
