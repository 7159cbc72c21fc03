"""The connection tree of a site file: what is wrong is said, and a limit is never guessed."""

import pytest

from quartier.config.loading import check_site_file, load_site_leniently
from quartier_drivers.errors import ConfigError

METER = '[devices.meter]\nbus = "rs485"\nprofile = "acme/meter"\nunit = 3\n'
NODE = "[nodes.shed]\nfuse_a = 32\n"


def told(path):
    with pytest.raises(ConfigError) as raised:
        check_site_file(path)
    return [f"{fault.key}: {fault.what}" for fault in raised.value.faults]


def test_a_node_with_a_meter_is_right(written, site_text):
    loaded = check_site_file(written(site_text + METER + NODE + 'device = "meter"\n'))

    assert ("meter", "") == (loaded.site.nodes["shed"].device, loaded.site.nodes["shed"].part)
    assert () == loaded.warnings


def test_a_node_that_must_count_at_its_worst_is_a_warning(written, site_text):
    warnings = check_site_file(written(site_text + NODE)).warnings

    assert ["nodes.shed"] == [fault.key for fault in warnings]
    assert "neither device nor unmeasured_w" in warnings[0].what


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (NODE + 'device = "hybrid"\npart = "grid"\n', "nodes.shed.part: that part is used by 'grid' already"),
        (NODE + 'device = "relays"\npart = "r2"\n', "nodes.shed.part: acme/relays has none of power_w"),
        (NODE + 'device = "gone"\n', "nodes.shed.device: there is no device 'gone'"),
        (
            METER + NODE.replace("shed", "heater") + 'device = "meter"\n',
            "nodes.heater.device: 'heater' is an asset too",
        ),
        (NODE + 'phase = "l1"\n', "nodes.shed.phase: needs a node with one phase"),
    ],
)
def test_what_is_wrong_with_a_node_is_said(written, site_text, text, fault):
    assert any(one.startswith(fault) for one in told(written(site_text + text)))


def test_more_nodes_than_control_can_hold_are_refused(written, site_text):
    many = "".join(f"[nodes.n{n}]\nfuse_a = 16\n" for n in range(64))

    assert any(one.startswith("nodes: 64 nodes are too many") for one in told(written(site_text + many)))


def test_a_node_whose_fuse_is_not_known_lets_nothing_start(written, site_text):
    with pytest.raises(ConfigError):
        load_site_leniently(written(site_text + NODE.replace("32", "-1")))
    with pytest.raises(ConfigError):
        load_site_leniently(written(site_text.replace('part = "r1"', 'part = "r1"\nnode = "shad"') + NODE))


def test_a_node_whose_meter_is_faulty_keeps_its_fuse_and_counts_without_it(written, site_text):
    loaded = load_site_leniently(written(site_text + NODE + 'device = "gone"\n'))

    assert (32, None) == (loaded.site.nodes["shed"].fuse_a, loaded.site.nodes["shed"].device)
    assert "nodes.shed" in loaded.disabled
