"""The loops in C do the same for every processor, whatever it brings."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
HEADERS = HERE.parents[1] / "native" / "quartier_native"
FLAGS = ("-O3", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", f"-I{HEADERS}")
KEPT = "9e5564e1"  # what an x86 with and without AVX2 and an Arm of 64 bits found


@pytest.fixture
def compiler() -> str:
    found = shutil.which("cc")
    if found is None:
        pytest.skip("no C compiler")
    return found


def test_with_and_without_avx2_every_byte_is_the_same_and_every_bit_comes_back(
    compiler: str, tmp_path: Path
) -> None:
    digests = []
    for flags in ((), ("-DLANES_PLAIN",), ("-DLANES_PLAIN", "-O0")):
        program = tmp_path / "lanes"
        subprocess.run([compiler, *FLAGS, *flags, "-o", program, HERE / "lanes.c"], check=True)
        digests.append(subprocess.run([program], check=True, capture_output=True, text=True).stdout)
    assert {KEPT} == {digest.strip() for digest in digests}
