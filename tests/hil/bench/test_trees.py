from quartier_hil.bench import trees
from quartier_native import tree as kernel


def test_the_building_is_as_large_as_the_kernel_takes_and_some_of_its_caps_bind():
    one = trees.building()
    found = trees.call(kernel, one)()

    assert (trees.NODES, trees.ASSETS) == (len(one.under), len(one.home))
    assert 20 < sum(step >= 0 for step in found.step) < trees.ASSETS
    assert () == found.broken


def test_both_sides_decide_the_same():
    ours, theirs = trees.calls()

    assert ours() == theirs()
