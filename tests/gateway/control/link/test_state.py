import json

import pytest

from quartier.control.link import state as link_state
from quartier.control.link.state import LinkMode


def stored(state):
    return json.loads(json.dumps(link_state.dump_link_state(state), allow_nan=False))


def test_what_is_dumped_as_json_comes_back(drive):
    d = drive().controlled()
    d.give_failsafe(3, import_max_w=1000, export_max_w=0)
    back = link_state.load_link_state(stored(d.state))

    assert d.state.programs == back.programs
    assert (LinkMode.CONTROLLED, {"district": 1}, 3) == (back.mode, back.seqs, back.failsafe_seq)
    assert (d.state.failsafe, d.state.since_ns) == (back.failsafe, back.since_ns)


def test_a_floor_without_a_generation_cap_survives_json(drive, document):
    d = drive(synced=False).start()
    d.give(document())
    d.beat()

    assert d.state.floor is not None
    assert d.state.floor == link_state.load_link_state(stored(d.state)).floor


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.update(format=3),
        lambda data: data.clear(),
        lambda data: data.pop("programs"),
        lambda data: data.update(mode="WILD"),
        lambda data: data.update(programs=3),
        lambda data: data.update(surprise=1),
        lambda data: data.update(mode="FAILSAFE"),
        lambda data: data.update(seqs=None),
    ],
)
def test_a_broken_state_is_refused_with_a_value_error(drive, damage):
    data = stored(drive().controlled().state)
    damage(data)

    with pytest.raises(ValueError, match=r"link state|WILD"):
        link_state.load_link_state(data)


def test_it_is_worth_saving_at_a_change_and_each_60_s_but_not_each_second(drive, document):
    d = drive().controlled()
    saved = d.state
    quiet = d.tick(59).state
    aged = d.tick(60).state
    d.give(document(2))

    assert link_state.is_save_due(None, saved)
    assert not link_state.is_save_due(saved, quiet)
    assert link_state.is_save_due(saved, aged)
    assert link_state.is_save_due(aged, d.state)


def test_passing_time_alone_is_not_worth_a_write_in_autonomous(drive):
    d = drive().start().tick(121)
    saved = d.state

    assert not link_state.is_save_due(saved, d.tick(100_000).state)
