import pytest

from quartier_bench.speed import kernel_speed


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_speed, "CHUNK_SAMPLES", (512,))


def test_the_kernel_is_compared_with_its_twin_and_numpy_on_one_result() -> None:
    pytest.importorskip("numpy")
    found = kernel_speed.measure_allocation(1)
    assert ["kernel.twin", "kernel.tree", "kernel.numpy"] == [figure.name for figure in found]
    assert all(figure.ratio is not None and 0 < figure.ratio < 1 for figure in found)


def test_the_codec_keeps_its_share_of_a_gorillas_bytes() -> None:
    exact, jittered, *times = kernel_speed.measure_codec(1)
    assert (True, True) == (exact.holds(), jittered.holds())
    names = ["codec.encode", "codec.decode", "codec.encode_twin", "codec.decode_twin"]
    assert names == [figure.name for figure in times]


def test_without_a_compiler_the_gorilla_is_skipped_and_never_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    skipped = [figure for figure in kernel_speed.measure_codec(1) if figure.skipped]
    assert ["codec.exact", "codec.jittered", "codec.encode", "codec.decode"] == [
        figure.name for figure in skipped
    ]
    assert {None} == {figure.holds() for figure in skipped}
