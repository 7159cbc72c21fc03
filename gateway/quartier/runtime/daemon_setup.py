"""Set up the daemon's process before any other import: leave modules out, return memory to the system.

The daemon imports this before anything else, because resident memory is the first thing a small board runs
out of.
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
# By default glibc raises both thresholds to the largest block that was ever freed: after a start or a burst
# of births, megabytes of holes would stay for ever.
_TRIM_BYTES, _MMAP_BYTES = 128 * 1024, 64 * 1024


class _LazyModule(ModuleType):
    """A placeholder that loads its module on first attribute access, or when one of ``calls`` is called."""

    def __init__(self, name: str, calls: tuple[str, ...] = ()) -> None:
        super().__init__(name)
        for call in calls:
            setattr(self, call, partial(self._call, call))

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._load(), name)

    def _call(self, name: str, *values: object, **named: object) -> object:
        return getattr(self._load(), name)(*values, **named)

    def _load(self) -> ModuleType:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return import_module(self.__name__)


def load_lazily(*names: str, calls: tuple[str, ...] = ()) -> None:
    """Load these modules when something of them is first used, not when they are imported.

    A ``from … import`` of a name in ``calls`` does not load them either; calling it does.
    """
    for name in names:
        if name not in sys.modules:
            sys.modules[name] = later = _LazyModule(name, calls)
            package, _, last = name.rpartition(".")
            if package:
                setattr(import_module(package), last, later)


def set_malloc_limits() -> None:
    """Return freed memory to the system; no effect with a C library other than glibc.

    One arena serves all threads: the few threads wait for disks, and each arena keeps its own holes.
    """
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_ARENA_MAX, 1)
        _LIBC.mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
        _LIBC.mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES)


def freeze_start_objects() -> None:
    """End the start: exempt all present objects from garbage collection; turn automatic collection off."""
    linecache.clearcache()  # the sources of all models, from which pydantic read docstrings
    gc.collect()
    gc.freeze()
    gc.disable()
    return_free_memory()


def return_free_memory() -> None:
    """Return free heap memory to the system; takes 0.3 ms at 20,000 points a second."""
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)


process_size.share_dataclass_functions()
# Pydantic searches all installed packages for plugins, and Python searches its build settings for the time
# zone folders: these are CPython's own defaults.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
os.environ.setdefault(
    "PYTHONTZPATH", "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo"
)
# What libraries import for things that a daemon never does: lists of installed packages (in mail format),
# archives of packages, proxies, host names beyond ASCII; protobuf messages without its compiled part, and
# their text form.  A median is needed only when something hunts.
load_lazily("bz2", "calendar", "csv", "lzma", "stringprep", "tempfile", "urllib.request", "zipfile")
load_lazily("pickle", calls=("PicklingError",))
load_lazily("statistics", calls=("median",))
load_lazily("importlib.metadata", calls=("entry_points",))
load_lazily("google.protobuf.internal.python_message")
# asyncio's own TLS is never used.  A traceback is printed without rich and its 6 MiB of lexers.  The digests
# that we need are in Python itself; OpenSSL's 4 MiB are for TLS.
with hide_modules("ssl", "rich", "better_exceptions", "_hashlib"):
    import asyncio  # noqa: F401 - imported for all who come after
    import hashlib
    import hmac  # noqa: F401 - as above

    import structlog  # noqa: F401 - as above
if not hasattr(hashlib, "sha256"):  # a Python without its own digests
    reload(hashlib)
