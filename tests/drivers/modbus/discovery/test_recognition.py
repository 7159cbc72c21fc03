"""A guess says how sure it is and why, and what a device contradicts is no guess."""

from collections.abc import Sequence

import pytest

from quartier_drivers.device_profile.loading import (
    Profile,
    ProfileMatch,
    RegisterProfile,
    list_profiles,
    load_profile,
    parse_profile,
    rank_matches,
)
from quartier_drivers.device_profile.schema import Source
from quartier_drivers.modbus.discovery.recognition import find_contradictions, match_profile

HEAD = '[profile]\nprotocol = "modbus"\nmaker = "ACME"\nmodel = "AM300"\nsource = "s"\n'
CODE = '[recognise.code]\nregister = "input:11"\nequals = [1648, 1649]\n'
NAME = '[recognise.name]\nregister = "holding:4"\ntype = "string"\nlength = 4\nlike = "acme*"\n'
VOLTS = '[recognise.voltage]\nregister = "input:0"\nscale = 0.1\nlow = 180\nhigh = 260\n'
VENDOR = '[recognise.vendor]\ndevice_id = "vendor"\nlike = "ACME"\n'
REGISTERS = {11: (1648,), 4: (0x4143, 0x4D45, 0x2031, 0), 0: (2301,)}


def profile(marks: str) -> Profile:
    return parse_profile(
        HEAD + marks + '[points.power_w]\nregister = "input:0"\n', "acme/am300", "am300.toml"
    )


def words(source: Source) -> Sequence[int] | None:
    found = REGISTERS.get(source.address.number)
    assert found is None or source.width == len(found)
    return found


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        (CODE + NAME + VOLTS, []),
        (CODE.replace("input:11", "input:99") + VENDOR, []),
        (CODE.replace("1648, 1649", "7, 8"), ["code (input:11) is 1648, expected 7 or 8"]),
        (NAME.replace("acme*", "other*"), ["name (holding:4) is 'ACME 1', expected 'other*'"]),
        (CODE + VOLTS.replace("180", "235"), ["voltage (input:0) is 230.1, expected 235..260"]),
    ],
)
def test_contradictions_name_value_and_expectation_and_no_answer_is_none(marks: str, said: list[str]) -> None:
    assert said == find_contradictions(profile(marks), words, {})


@pytest.mark.parametrize(
    ("marks", "sure", "why"),
    [
        (CODE, "sure", "code (input:11) is 1648"),
        (NAME, "sure", "name (holding:4) is 'ACME 1'"),
        (CODE + VOLTS, "sure", "code (input:11) is 1648; voltage (input:0) is 230.1, within 180..260"),
        (VOLTS, "possible", "voltage (input:0) is 230.1, within 180..260"),
        (CODE + VENDOR, "likely", "code (input:11) is 1648; not told: its vendor name"),
        (
            CODE.replace("input:11", "input:99") + NAME,
            "likely",
            "name (holding:4) is 'ACME 1'; not told: code (input:99)",
        ),
    ],
)
def test_how_sure_a_guess_is_follows_from_what_was_told(marks: str, sure: str, why: str) -> None:
    found = match_profile(profile(marks), words, {})

    assert found is not None
    assert ("acme/am300", sure, why) == (found.profile, found.sure, found.why)


def test_plausible_numbers_alone_are_held_against_the_vendor_that_the_device_names() -> None:
    own = match_profile(profile(VOLTS), words, {0: "Acme Meters Ltd."})

    assert own is not None
    assert ("likely", True) == (own.sure, own.why.endswith("its vendor name is 'Acme Meters Ltd.'"))
    assert match_profile(profile(VOLTS), words, {0: "Other Inc."}) is None
    assert match_profile(profile(CODE), words, {0: "Other Inc."}) is not None, "a mark of its own counts more"


@pytest.mark.parametrize(
    "marks",
    [
        CODE.replace("1648, 1649", "7"),
        NAME.replace("acme*", "umg*"),
        VOLTS.replace("260", "200"),
        CODE + VOLTS.replace("260", "200"),
        VENDOR,
        VOLTS + VENDOR,
        "",
        NAME.replace("holding:4", "holding:5"),
    ],
    ids=["code", "name", "range", "one of two", "nothing told", "plausible only", "no marks", "refused"],
)
def test_what_does_not_fit_is_no_guess(marks: str) -> None:
    assert match_profile(profile(marks), words, {}) is None


def test_a_register_that_holds_no_text_is_not_the_name() -> None:
    assert match_profile(profile(NAME), lambda _source: (0, 0, 0, 0), {}) is None


def test_what_many_devices_hold_proves_little() -> None:
    found = match_profile(profile(CODE.replace("1648, 1649", "1")), lambda _source: (1,), {})

    assert found is not None
    assert "possible" == found.sure


def test_a_device_may_say_who_it_is_by_function_43() -> None:
    found = match_profile(profile(VENDOR), words, {0: "ACME", 1: "AM300"})

    assert found is not None
    assert ("sure", "its vendor name is 'ACME'") == (found.sure, found.why)


def test_the_surest_stands_first_and_two_that_are_sure_are_not() -> None:
    sure, likely, possible = (
        ProfileMatch("a/a", "sure", "x", 1),
        ProfileMatch("b/b", "likely", "y", 2),
        ProfileMatch("c/c", "possible", "z", 1),
    )

    assert [sure, likely, possible] == rank_matches([possible, likely, sure])
    twins = rank_matches([sure, ProfileMatch("a/b", "sure", "x", 3)])
    assert [("a/b", "likely"), ("a/a", "likely")] == [(one.profile, one.sure) for one in twins]
    assert twins[0].why.endswith("another profile fits as well")


def text(name: str) -> tuple[int, ...]:
    data = name.encode().ljust(40, b"\0")
    return tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, 40, 2))


# What meters say of themselves, and the only built-in profile that may be theirs with certainty.
STATED = [
    ({49: text(f"iEM{number}")}, f"schneider/iem{number}") for number in (3150, 3155, 3250, 3255, 3350, 3355)
]
STATED += [
    ({49: text("iEM3100")}, "schneider/iem3150"),
    ({49: text("iEM3200")}, "schneider/iem3250"),
    *(({11: (code,), 0: (2301, 0), 0x33: (500,)}, "carlo-gavazzi/em340") for code in (331, 335, 340, 346)),
    *(({11: (code,), 0: (2301, 0)}, "carlo-gavazzi/em24_rs485") for code in (71, 72, 73)),
    ({11: (1648,), 0: (2301, 0)}, "carlo-gavazzi/em24"),
]
KNOWN = [
    one
    for one in map(
        load_profile, [name for name in list_profiles() if name.startswith(("schneider/", "carlo-gavazzi/"))]
    )
    if isinstance(one, RegisterProfile)
]


@pytest.mark.parametrize(("registers", "name"), STATED)
def test_a_meter_that_says_who_it_is_gets_its_own_profile(
    registers: dict[int, tuple[int, ...]], name: str
) -> None:
    def told(source: Source) -> Sequence[int] | None:
        found = registers.get(source.address.number)
        return found if found is not None and len(found) == source.width else None

    found = rank_matches(one for each in KNOWN if (one := match_profile(each, told, {})) is not None)

    assert (name, "sure") == (found[0].profile, found[0].sure)
