"""The Gorilla codec in C, compiled with the system's compiler and called on arrays."""

import ctypes
import shutil
import subprocess
import tempfile
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

SOURCE = Path(__file__).parent / "peers" / "gorilla.c"


@dataclass(frozen=True, slots=True)
class Prepared:
    """One series: the bytes it takes, and calls that encode it into memory that is there and decode it.

    What is decoded gets memory of its own at each call, as it does from our codec: in a process whose
    allocator maps it anew each time, its pages cost several times the decoding, and are no contest.
    """

    size: int
    encode: Callable[[], int]
    decode: Callable[[], int]
    memory: tuple[object, ...]
    """Buffers that the calls point into."""


class Gorilla:
    """The compiled codec.  Raises OSError without a C compiler, CalledProcessError where it fails."""

    def __init__(self) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise OSError("no C compiler (cc): apt-get install gcc")
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / "gorilla.so"
            subprocess.run(  # noqa: S603 - the system's compiler on a file of ours
                [compiler, "-O3", "-shared", "-fPIC", "-o", str(library), str(SOURCE)], check=True
            )
            code = ctypes.CDLL(str(library))
        word, place = ctypes.c_int64, ctypes.c_void_p
        self._encode = code.gorilla_encode
        self._encode.argtypes, self._encode.restype = [word, place, place, place], word
        self._decode = code.gorilla_decode
        self._decode.argtypes, self._decode.restype = [word, place, word, place, place], word
        self._decode_anew = code.gorilla_decode_anew
        self._decode_anew.argtypes, self._decode_anew.restype = [word, place, word], word

    def prepare(self, times_ms: "array[int]", values: "array[float]") -> Prepared:
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
        return Prepared(size, encode, decode, memory)
