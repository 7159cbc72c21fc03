from types import SimpleNamespace

from quartier_bench.peers import pysunspec2_client


def test_values_are_taken_at_every_depth():
    volts, seconds, count = (SimpleNamespace(cvalue=value) for value in (23.1, 2, 4))
    point = SimpleNamespace(points={"V": volts, "Tms": seconds}, groups={})
    curve = SimpleNamespace(points={"ActPt": count}, groups={"Pt": [point, point], "One": point})

    assert [4, 23.1, 2, 23.1, 2, 23.1, 2] == pysunspec2_client._read_values(curve)
