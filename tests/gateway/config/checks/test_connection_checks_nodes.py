"""What one node of the site file may say."""

from quartier.config.checks.connection_checks import find_node_contradictions, find_unmeasured_nodes
from quartier.config.sections.connection_sections import NodeSection


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
