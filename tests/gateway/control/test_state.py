from dataclasses import FrozenInstanceError, replace

import pytest

from quartier.control.state import ControlState
from quartier.site.site_layout import LimitContact


def test_a_fresh_state_knows_nothing_but_its_house(house):
    state = ControlState.fresh(house)

    assert (house, {}, {}, None) == (state.site, state.switch_states, state.last_good, state.last_ns)
    with pytest.raises(FrozenInstanceError):
        state.mode = "X"


def test_adopting_forgets_what_is_no_longer_named(plant, house):
    p = plant(base_w=2000).run(20)
    p.silent = {"grid"}
    p.run(20)
    kept = p.state.adopt(replace(house, assets=house.assets[1:2]))

    assert {"pv1"} == set(kept.switch_states)
    assert {"grid", "pv1"} == {point.split(".")[0] for point in kept.last_good}
    assert (set(), {"pv1.generation_max_w"}) == (set(kept.book.released), set(kept.book.orders))


def test_adopting_keeps_how_a_contact_stood_and_forgets_one_that_went(plant, house):
    contacts = (LimitContact(name="dso1", import_max_w=4200.0), LimitContact(name="dso2", export_max_w=0.0))
    p = plant(house=replace(house, contacts=contacts))
    p.raw |= {"dso1.input_on": 1.0, "dso2.input_on": 1.0}
    p.run(3)
    kept = p.state.adopt(replace(house, contacts=contacts[:1]))

    assert {"dso1": p.state.contacts["dso1"]} == kept.contacts
    assert {"dso1.input_on"} == {point for point in kept.last_good if point.startswith("dso")}


def test_what_stands_on_a_bus_that_started_anew_is_ordered_again_at_once(plant, house):
    p = plant(base_w=2000).run(20)
    ordered = set(p.state.book.orders)
    kept = p.state.adopt(house, {"pv1.generation_max_w"})

    assert {"pv1.generation_max_w"} == ordered - set(kept.book.orders)
    assert p.state.switch_states == kept.switch_states
