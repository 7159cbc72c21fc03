"""Peers of the kernels: a Gorilla codec in C, compiled by the system compiler, and an allocation in numpy."""

import ctypes
import shutil
import subprocess
import tempfile
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


GORILLA_SOURCE = Path(__file__).with_name("gorilla.c")


@dataclass(frozen=True, slots=True)
class PreparedSeries:
    """One series: the bytes it takes, and calls that encode it into memory that is there and decode it.

    What is decoded gets memory of its own at each call, as it does from our codec: in a process whose
    allocator maps it anew each time, its pages cost several times the decoding, and are no contest.
    """

    size: int
    encode: Callable[[], int]
    decode: Callable[[], int]
    memory: tuple[object, ...]
    """Buffers that the calls point into."""


class GorillaCodec:
    """The compiled codec.  Raises OSError without a C compiler, CalledProcessError where it fails."""

    def __init__(self) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise OSError("no C compiler (cc): apt-get install gcc")
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / "gorilla.so"
            subprocess.run(  # noqa: S603 - the system's compiler on a file of ours
                [compiler, "-O3", "-shared", "-fPIC", "-o", str(library), str(GORILLA_SOURCE)], check=True
            )
            code = ctypes.CDLL(str(library))
        integer, place = ctypes.c_int64, ctypes.c_void_p
        self._encode = code.gorilla_encode
        self._encode.argtypes, self._encode.restype = [integer, place, place, place], integer
        self._decode = code.gorilla_decode
        self._decode.argtypes, self._decode.restype = [integer, place, integer, place, place], integer
        self._decode_anew = code.gorilla_decode_anew
        self._decode_anew.argtypes, self._decode_anew.restype = [integer, place, integer], integer

    def prepare(self, times_ms: "array[int]", values: "array[float]") -> PreparedSeries:
        """The calls for a series.  Raises ValueError where it does not come back bit by bit."""
        count = len(times_ms)
        back = array("q", bytes(8 * count)), array("d", bytes(8 * count))
        memory = (times_ms, values, array("B", bytes(20 * count + 64)), *back)
        places = [kept.buffer_info()[0] for kept in memory]
        encode = partial(self._encode, count, *places[:3])
        size = encode()
        decode = partial(self._decode_anew, count, places[2], size)
        done = self._decode(count, places[2], size, *places[3:]) if size >= 0 else size
        if done or decode() or (times_ms, values.tobytes()) != (back[0], back[1].tobytes()):
            raise ValueError("the Gorilla in C does not give the series back")
        return PreparedSeries(size, encode, decode, memory)


class NumpyAllocation:
    """Steps that are taken in order, one step an asset, in numpy's arrays.

    The walk is one running sum and one search; only around an indivisible step that would break the
    other cap is there a second look.  Raises ImportError without numpy.
    """

    def __init__(self, steps: list[tuple[int, float, bool]]) -> None:
        import numpy as np  # noqa: PLC0415 - the bench runs without it, this peer does not

        self._np = np
        self._asset = np.array([asset for asset, _, _ in steps], dtype=np.intp)
        self._target_w = np.array([target_w for _, target_w, _ in steps])
        self._divisible = np.array([divisible for _, _, divisible in steps])
        self._order = np.arange(len(steps))

    def make_array(self, desired_w: "Sequence[float]") -> Any:
        """An array of numpy's."""
        return self._np.array(desired_w)

    def allocate_in_place(
        self, setpoint_w: Any, base_w: float, import_max_w: float, export_max_w: float
    ) -> tuple[float, int, bool]:
        """Requests in, setpoints out in the same array; total_w, how many steps acted, and met.

        ValueError where a number is not finite or beyond 1e12 W.
        """
        np = self._np
        if not np.abs(setpoint_w).max(initial=abs(base_w)) <= 1e12:
            raise ValueError("a number is not finite or beyond 1e12 W")
        total_w = base_w + setpoint_w.sum()
        low_w = -export_max_w
        count = 0
        if total_w > import_max_w:
            relief_w = setpoint_w[self._asset] - self._target_w
            np.maximum(relief_w, 0.0, out=relief_w)
            while True:
                after_w = total_w - np.cumsum(relief_w)
                crossing = int(np.searchsorted(-after_w, -import_max_w))
                if crossing == len(after_w):
                    count = crossing
                elif self._divisible[crossing]:
                    relief_w[crossing] -= import_max_w - after_w[crossing]
                    count = crossing + 1
                elif after_w[crossing] < low_w:
                    relief_w[crossing] = 0.0  # skipped: it would break the other cap
                    continue
                else:
                    count = crossing + 1
                break
            setpoint_w[self._asset[:count]] -= relief_w[:count]
            total_w -= relief_w[:count].sum()
        return float(total_w), count, bool(low_w - 1e-6 <= total_w <= import_max_w + 1e-6)
