"""Copies of records: those of ``dataclasses.replace``, whatever the record."""

import dataclasses
import importlib
import pkgutil

import pytest

from quartier import control
from quartier.control.records import PowerRange
from quartier.site.records import Now, replace


def _records():
    """Every dataclass of the control core."""
    for module in pkgutil.walk_packages(control.__path__, f"{control.__name__}."):
        for made in vars(importlib.import_module(module.name)).values():
            if isinstance(made, type) and dataclasses.is_dataclass(made):
                yield made


def test_a_copy_of_each_record_of_the_control_core_is_that_of_dataclasses():
    types = set(_records())
    for kind in types:
        names = [field.name for field in dataclasses.fields(kind)]
        record = object.__new__(kind)
        for place, name in enumerate(names):
            object.__setattr__(record, name, place)
        for change in [{}, dict.fromkeys(names[-1:], "changed"), dict.fromkeys(names, "changed")]:
            copy = replace(record, **change)
            assert type(copy) is kind
            assert [change.get(name, place) for place, name in enumerate(names)] == [
                getattr(copy, name) for name in names
            ]
        assert [getattr(record, name) for name in names] == list(range(len(names)))
    assert len(types) > 100


def test_a_copy_of_a_frozen_record_is_frozen_equal_and_has_the_same_hash():
    copy = replace(PowerRange(1.0, 5.0), low_w=2.0)

    assert PowerRange(2.0, 5.0) == copy
    assert hash(PowerRange(2.0, 5.0)) == hash(copy)
    with pytest.raises(dataclasses.FrozenInstanceError):
        copy.low_w = 3.0


def test_a_field_that_the_record_does_not_have_is_refused_by_name():
    with pytest.raises(TypeError, match="PowerRange has no field 'lwo_w'"):
        replace(PowerRange(1.0, 5.0), lwo_w=2.0)


@dataclasses.dataclass(frozen=True)
class Doubled:
    """A record that does more than keep its fields: without slots, with a step after its fields are set."""

    value: float
    twice: float = dataclasses.field(init=False)

    def __post_init__(self):
        """Reckon what is not given."""
        object.__setattr__(self, "twice", 2 * self.value)


def test_what_a_record_does_when_it_is_made_is_done_for_its_copy():
    assert Doubled(4.0) == replace(Doubled(1.0), value=4.0)
    with pytest.raises(ValueError, match="twice"):
        replace(Doubled(1.0), twice=3.0)


def test_what_is_no_record_is_refused():
    with pytest.raises(TypeError):
        replace("text", value=1.0)


def test_an_instant_carries_both_clocks_and_its_trust():
    assert Now(1, 2, synced=True) == Now(ns=1, utc_ms=2, synced=True)


def test_a_number_of_unix_milliseconds_is_denied_more_than_a_day_ahead_of_a_trusted_clock():
    now = Now(1, 1_000, synced=True)
    assert (False, True) == (now.rejects_future(86_401_000), now.rejects_future(86_401_001))
    assert not now._replace(synced=False).rejects_future(2**64 - 1)
