"""The connection tree from the site file, as control sees it."""

from math import inf

from quartier.config.sections import connection_sections
from quartier.daemon.assembly import site_model
from quartier.site.site_layout import Node
from quartier_drivers.contract import PointInfo


def test_a_node_is_what_the_site_file_says():
    section = connection_sections.NodeSection(
        fuse_a=16, under="hall", phases=1, phase="l2", power_max_w=3_000, unmeasured_w=100
    )

    assert Node(
        name="shed", under="hall", fuse_a=16, phases_count=1, phase="l2", power_max_w=3_000, unmeasured_w=100
    ) == site_model.make_node("shed", section, {})
    assert inf == site_model.make_node("shed", connection_sections.NodeSection(fuse_a=16), {}).power_max_w


def test_a_meter_is_as_slow_as_its_slowest_quantity_and_stays_one_while_it_is_not_served():
    points = {
        f"shed.{name}": PointInfo(f"shed.{name}", "float", "", period_s)
        for name, period_s in (("power_w", 1.0), ("current_l1_a", 5.0), ("energy_import_wh", 60.0))
    }
    section = connection_sections.NodeSection(fuse_a=16, device="meter")

    assert (True, 5.0) == (
        site_model.make_node("s", section, {}).measured,
        site_model.make_node("shed", section, points).period_s,
    )
