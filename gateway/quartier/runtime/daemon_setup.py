"""Set up the daemon's process before any other import: leave modules out, return memory to the system.

Imported before anything else of a daemon.  Resident memory is what a small board runs out of first.
"""

import ctypes
import gc
import linecache
import os
import sys
from functools import partial
from importlib import import_module, reload
from types import ModuleType

from quartier.runtime import process_size
from quartier.runtime.process_size import hide_modules

__all__ = ["freeze_start_objects", "load_lazily", "return_free_memory", "set_malloc_limits"]

_LIBC = ctypes.CDLL(None)
# mallopt(3), <malloc.h> of the GNU C library.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
# Left alone, glibc raises both thresholds to the largest block that was ever freed: after a start or a burst
# of births megabytes of holes stay with us for ever.
_TRIM_BYTES, _MMAP_BYTES = 128 * 1024, 64 * 1024


class _LazyModule(ModuleType):
    """Stands for a module until something of it is asked for; its ``calls`` until one of them is called."""

    def __init__(self, name: str, calls: tuple[str, ...] = ()) -> None:
        super().__init__(name)
        for call in calls:
            setattr(self, call, partial(self._call, call))

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._loaded(), name)

    def _call(self, name: str, *values: object, **named: object) -> object:
        return getattr(self._loaded(), name)(*values, **named)

    def _loaded(self) -> ModuleType:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return import_module(self.__name__)


def load_lazily(*names: str, calls: tuple[str, ...] = ()) -> None:
    """Have these modules loaded when something of them is first used, not by an ``import`` of them.

    A ``from … import`` of what is named in ``calls`` does not load them either: calling it does.
    """
    for name in names:
        if name not in sys.modules:
            sys.modules[name] = later = _LazyModule(name, calls)
            package, _, last = name.rpartition(".")
            if package:
                setattr(import_module(package), last, later)


def set_malloc_limits() -> None:
    """Have freed memory go back to the system; with another C library than glibc nothing changes.

    One arena serves all threads: the few that there are wait for disks, and each arena keeps its own holes.
    """
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_ARENA_MAX, 1)
        _LIBC.mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
        _LIBC.mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES)


def freeze_start_objects() -> None:
    """The start is over: what stands now is never looked through again, and collecting is in our hand."""
    linecache.clearcache()  # the sources of all models, which pydantic took their words from
    gc.collect()
    gc.freeze()
    gc.disable()
    return_free_memory()


def return_free_memory() -> None:
    """Give the system what is free inside the heap; takes 0.3 ms at 20,000 points a second."""
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)


process_size.share_dataclass_functions()
# Plugins of pydantic are looked for in all that is installed, and where time zones are in all the settings
# that Python was built with: these are CPython's own.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
os.environ.setdefault(
    "PYTHONTZPATH", "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo"
)
# What libraries import for things that a daemon never does: what is installed (in forms of mail), archives of
# packages, proxies, names of hosts beyond ASCII; messages of protobuf without its compiled part, and their
# text.  A median is wanted where something hunts.
load_lazily("bz2", "calendar", "csv", "lzma", "stringprep", "tempfile", "urllib.request", "zipfile")
load_lazily("pickle", calls=("PicklingError",))
load_lazily("statistics", calls=("median",))
load_lazily("importlib.metadata", calls=("entry_points",))
load_lazily("google.protobuf.internal.python_message")
# TLS of asyncio's own is never used; a traceback is printed without rich and its 6 MiB of lexers; the digests
# that we need are in Python itself, OpenSSL's 4 MiB are for TLS.
with hide_modules("ssl", "rich", "better_exceptions", "_hashlib"):
    import asyncio  # noqa: F401 - imported for all who come after
    import hashlib
    import hmac  # noqa: F401 - as above

    import structlog  # noqa: F401 - as above
if not hasattr(hashlib, "sha256"):  # a Python without digests of its own
    reload(hashlib)
