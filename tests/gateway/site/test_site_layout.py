"""The points of the connection tree."""

from dataclasses import replace
from math import inf

from quartier.site.asset_types import GridMeter
from quartier.site.site_layout import Node, Site, SiteLimits

LIMITS = SiteLimits(
    import_hard_w=1,
    export_hard_w=1,
    import_failsafe_w=1,
    export_failsafe_w=1,
    import_autonomous_w=1,
    export_autonomous_w=1,
)


def test_a_node_hangs_at_the_connection_with_three_phases_unless_it_is_said():
    node = Node(name="a", fuse_a=16)

    assert ("grid", 3, inf, None) == (node.under, node.phases_count, node.power_max_w, node.unmeasured_w)


def test_a_house_with_nodes_or_a_main_fuse_is_branched():
    plain = Site(name="h", grid=GridMeter(name="grid", rated_w=1), assets=(), limits=LIMITS)

    assert not plain.has_connection_tree
    assert replace(plain, nodes=(Node(name="a", fuse_a=16),)).has_connection_tree
    assert replace(plain, main_fuse_a=25.0).has_connection_tree
