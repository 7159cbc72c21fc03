"""The tree as rows: order, caps and words."""

from dataclasses import replace

from quartier.control.limits import connection_tree
from quartier.control.limits.active import ActiveLimits
from quartier.control.reason import make_text_reason
from quartier.site.site_layout import Node

FORCE = ActiveLimits(
    import_w=20_000,
    export_w=5_000,
    sources={"import": make_text_reason("hard limit"), "export": make_text_reason("hard limit")},
)
PARK = Node(name="park", fuse_a=63)
SOCKET = Node(name="socket", under="park", fuse_a=16, phases_count=1, phase="l2")


def test_each_node_comes_after_the_one_that_feeds_it_whatever_the_file_says_first():
    stem = connection_tree.build_topology((SOCKET, PARK))

    assert ("park", "socket") == tuple(node.name for node in stem.nodes)
    assert (-1, 0, 1) == stem.under
    assert (2, 1, 0) == stem.way(stem.number("socket"))
    assert ("l2", None) == (stem.find_feeding_phase(2), stem.find_feeding_phase(1))


def test_nodes_in_a_ring_or_under_nothing_still_make_a_tree():
    ring = (Node(name="a", under="b", fuse_a=1), Node(name="b", under="a", fuse_a=1))
    lost = (Node(name="c", under="gone", fuse_a=1),)

    assert all(above < n for n, above in enumerate(connection_tree.build_topology(ring).under))
    assert (-1, 0) == connection_tree.build_topology(lost).under


def test_a_row_carries_what_fuse_power_and_cap_in_force_allow(house):
    both = replace(house, nodes=(replace(PARK, power_max_w=30_000), SOCKET), main_fuse_a=80)
    caps = connection_tree.find_row_limits(both, connection_tree.build_topology(both.nodes), FORCE)

    assert (20_000, 18_400, 18_400, 18_400) == caps.import_w[:4]
    assert (30_000, 14_490, 14_490, 14_490) == caps.import_w[4:8]
    assert (3_680, connection_tree.NO_LIMIT_W) == (caps.import_w[8], caps.import_w[9])
    assert 5_000 == caps.export_w[0]


def test_a_node_with_a_slow_meter_keeps_a_margin(house):
    slow = replace(house, nodes=(replace(PARK, measured=True, period_s=10.0),))

    assert (
        0.9 * 63 * 230
        == connection_tree.find_row_limits(slow, connection_tree.build_topology(slow.nodes), FORCE).import_w[
            5
        ]
    )


def test_each_row_has_its_words(house):
    both = replace(house, nodes=(PARK, SOCKET), main_fuse_a=80)
    stem = connection_tree.build_topology(both.nodes)

    def words(row, direction="import"):
        return str(connection_tree.make_row_reason(both, stem, FORCE, row, direction))

    assert "import cap 20000 W (hard limit)" == words(0)
    assert "main fuse 80 A, L1" == words(1)
    assert "park, fuse 63 A" == words(4)
    assert "park, fuse 63 A, L2" == words(6)
    assert "park, fuse 63 A, L2 feeding back" == words(6, "export")
    assert "socket, fuse 16 A, L2" == words(8)


def test_a_power_below_what_the_fuse_carries_is_named_for_the_total_alone(house):
    for power_w, total in ((30_000, "park, 30000 W"), (50_000, "park, fuse 63 A")):
        one = replace(house, nodes=(replace(PARK, power_max_w=power_w),))
        stem = connection_tree.build_topology(one.nodes)

        assert total == str(connection_tree.make_row_reason(one, stem, FORCE, 4, "import"))
        assert "park, fuse 63 A, L1" == str(connection_tree.make_row_reason(one, stem, FORCE, 5, "import"))
