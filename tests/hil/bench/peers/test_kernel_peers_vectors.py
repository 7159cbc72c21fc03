import random
from array import array

import pytest

from quartier_bench.peers.kernel_peers import NumpyAllocation
from quartier_native.reference.allocation import allocate

pytest.importorskip("numpy")


@pytest.mark.parametrize("seed", range(40))
def test_numpy_decides_as_the_kernel_does(seed: int) -> None:
    source = random.Random(seed)
    want_w = [source.uniform(0, 11_000) for _ in range(30)]
    steps = [
        (asset, source.choice([0.0, 1380.0]), source.random() < 0.5) for asset in source.sample(range(30), 25)
    ]
    caps_w = (1000.0, source.uniform(0, 1.2) * sum(want_w), source.choice([0.0, -0.1 * sum(want_w)]))
    if caps_w[1] < -caps_w[2]:
        caps_w = (caps_w[0], -caps_w[2], caps_w[2])
    vectors = NumpyAllocation(steps)
    setpoint_w = vectors.make_array(array("d", want_w))
    total_w, _, met = vectors.allocate_in_place(setpoint_w, *caps_w)
    wanted = allocate(caps_w[0], want_w, caps_w[1], caps_w[2], steps, [])
    assert wanted.setpoint_w == pytest.approx(list(setpoint_w), abs=1e-6)
    assert (wanted.total_w, wanted.met) == (pytest.approx(total_w, abs=1e-6), met)


def test_a_number_that_is_none_is_refused() -> None:
    vectors = NumpyAllocation([(0, 0.0, True)])
    with pytest.raises(ValueError, match="not finite"):
        vectors.allocate_in_place(vectors.make_array(array("d", [float("nan")])), 0.0, 1.0, 1.0)
