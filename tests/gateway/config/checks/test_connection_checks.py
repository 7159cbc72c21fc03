"""Contacts in the site file: what is wrong is said, and what is wrong with one is never guessed away."""

from collections.abc import Callable
from pathlib import Path

import pytest

from quartier.config.checks.connection_checks import find_node_contradictions, find_unmeasured_nodes
from quartier.config.loading import check_site_file, load_site, load_site_leniently
from quartier.config.sections.connection_sections import NodeSection
from quartier_drivers.errors import ConfigError

Written = Callable[[str], Path]
BOARD = '[devices.io1]\nbus = "rs485"\nprofile = "acme/inputs"\nunit = 9\n'
DSO = '[contacts.dso1]\ndevice = "io1"\npart = "in1"\nimport_max_w = 4200\n'


def told(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        check_site_file(path)
    return [f"{fault.key}: {fault.what}" for fault in raised.value.faults]


def test_a_contact_has_its_device_its_caps_and_its_times(written: Written, site_text: str) -> None:
    loaded = check_site_file(written(site_text + BOARD + DSO))
    contact = loaded.site.contacts["dso1"]

    assert ("io1", "in1", "closed", 4200.0, None) == (
        contact.device,
        contact.part,
        contact.acts,
        contact.import_max_w,
        contact.export_max_w,
    )
    assert (0.0, 60.0) == (contact.debounce_s, contact.release_s)
    assert [] == [fault for fault in loaded.warnings if fault.key == "devices.io1"]


CASES = [
    (
        'part = "in1"',
        'part = "in9"',
        "contacts.dso1.part: 'io1' has no part 'in9'; did you mean 'in2'?",
    ),
    (
        'device = "io1"',
        'device = "io2"',
        "contacts.dso1.device: there is no device 'io2'; did you mean 'io1'?",
    ),
    (
        'device = "io1"\npart = "in1"',
        'device = "relays"\npart = "r2"',
        "contacts.dso1.part: acme/relays has no point input_on in this part, which a contact needs",
    ),
    (
        'device = "io1"\npart = "in1"',
        'device = "relays"\npart = "r1"',
        "contacts.dso1.part: that part is used by 'heater' already; expected another part",
    ),
    (
        "import_max_w = 4200",
        "",
        "contacts.dso1: sets no limit; expected at least one of import_max_w, export",
    ),
    ("import_max_w = 4200", "import_max_w = -1", "contacts.dso1.import_max_w: -1 is outside 0..10000000"),
    ("dso1", "relays", "devices.relays: 'relays' is a contact too; expected another name"),
    ("dso1", "heater", "contacts.heater: 'heater' is an asset too; expected another name"),
]


@pytest.mark.parametrize(("old", "new", "fault"), CASES)
def test_what_is_wrong_with_a_contact_is_said(
    written: Written, site_text: str, old: str, new: str, fault: str
) -> None:
    text = site_text + BOARD + DSO.replace(old, new)

    assert any(one.startswith(fault) for one in told(written(text))), told(written(text))


def test_two_contacts_need_two_inputs(written: Written, site_text: str) -> None:
    twice = DSO.replace("dso1", "dso2")

    assert ["contacts.dso2.part: that part is used by 'dso1' already; expected another part"] == told(
        written(site_text + BOARD + DSO + twice)
    )
    assert 2 == len(load_site(written(site_text + BOARD + DSO + twice.replace("in1", "in2"))).contacts)


def test_a_contact_stays_when_its_device_is_faulty_so_that_unread_it_acts(
    written: Written, site_text: str
) -> None:
    loaded = load_site_leniently(written(site_text + BOARD.replace("acme/inputs", "acme/gone") + DSO))

    assert ["dso1"] == list(loaded.site.contacts)
    assert {"devices.io1", "contacts.dso1"} == set(loaded.disabled)


@pytest.mark.parametrize("broken", ["import_max_w = -1", 'import_max_w = "4200"', "", "import_max = 4200"])
def test_a_contact_whose_caps_cannot_be_known_stops_the_start(
    written: Written, site_text: str, broken: str
) -> None:
    with pytest.raises(ConfigError):
        load_site_leniently(written(site_text + BOARD + DSO.replace("import_max_w = 4200", broken)))


def test_two_servers_of_opc_ua_are_two_connections_and_one_is_one(written: Written, site_text: str) -> None:
    server = '[buses.{}]\nkind = "opcua"\nurl = "opc.tcp://{}:4840"\nanonymous = true\n'
    first = site_text + server.format("a", "10.0.0.1")
    same = told(written(first + server.format("b", "10.0.0.1")))

    assert "buses.b: is the same connection as 'a'; expected one bus for both" in same
    assert {"a", "b"} <= set(check_site_file(written(first + server.format("b", "10.0.0.2"))).site.buses)


GPIO = '[buses.header]\nkind = "gpio"\n[devices.line]\nbus = "header"\nprofile = "linux/gpio"\nunit = 17\n'


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('profile = "linux/gpio"', 'profile = "acme/inputs"', "'acme/inputs' speaks modbus; expected a profile of the bus's gpio"),
        ('bus = "header"', 'bus = "rs485"', "'linux/gpio' speaks gpio; expected a profile of the bus's modbus"),
        ("[devices", '[buses.again]\nkind = "gpio"\n[devices', "buses.again: is the same connection as 'header'"),
        ('"gpio"\n[', '"gpio"\nchip = "gpiochip0"\n[', "'gpiochip0' is no chip; expected a path such as /dev/gpiochip0"),
    ],
)  # fmt: skip
def test_a_gpio_line_takes_a_profile_of_its_own_protocol(
    written: Written, site_text: str, old: str, new: str, what: str
) -> None:
    assert old in GPIO
    faults = told(
        written(
            site_text + GPIO.replace(old, new) + '[contacts.dso1]\ndevice = "line"\nimport_max_w = 4200\n'
        )
    )

    assert any(what in fault for fault in faults), faults


def test_a_meter_or_a_word_spares_a_node_the_worst():
    nodes = {
        "a": NodeSection(fuse_a=16),
        "b": NodeSection(fuse_a=16, unmeasured_w=0.0),
        "c": NodeSection(fuse_a=16, device="m"),
    }

    assert ["a"] == [name for name, _ in find_unmeasured_nodes(nodes)]


def test_a_node_does_not_contradict_itself_or_what_feeds_it():
    nodes = {
        "a": NodeSection(fuse_a=16, phase="l1"),
        "b": NodeSection(fuse_a=16, phases=1, phase="l1", part="x"),
        "c": NodeSection(fuse_a=16, under="b"),
    }

    assert [("a", "phase"), ("b", "part"), ("c", "phases")] == [
        found[:2] for found in find_node_contradictions(nodes)
    ]
