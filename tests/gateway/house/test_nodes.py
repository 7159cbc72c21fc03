"""The points of the connection tree."""

from dataclasses import replace
from math import inf

from quartier.house.assets import Grid, House, Limits
from quartier.house.nodes import Node

LIMITS = Limits(
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
    plain = House(name="h", grid=Grid(name="grid", rated_w=1), assets=(), limits=LIMITS)

    assert not plain.is_branched
    assert replace(plain, nodes=(Node(name="a", fuse_a=16),)).is_branched
    assert replace(plain, main_fuse_a=25.0).is_branched
