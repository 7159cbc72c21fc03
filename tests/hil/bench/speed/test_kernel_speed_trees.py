from quartier_bench.speed import kernel_speed
from quartier_native import tree as kernel


def test_the_building_is_as_large_as_the_kernel_takes_and_some_of_its_caps_bind():
    one = kernel_speed.make_tree_problem()
    found = kernel_speed.make_tree_call(kernel, one)()

    assert (kernel_speed.TREE_NODES, kernel_speed.TREE_ASSETS) == (len(one.under), len(one.home))
    assert 20 < sum(step >= 0 for step in found.step) < kernel_speed.TREE_ASSETS
    assert () == found.broken


def test_both_sides_decide_the_same():
    ours, theirs = kernel_speed.make_tree_calls()

    assert ours() == theirs()
