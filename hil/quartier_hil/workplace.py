"""Where the processes of a run keep their files."""

import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

# A unix socket's path holds 107 bytes (sys/un.h); longer working folders move to the temporary one.
_SOCKET_PATH_MAX = 100


def work_folder(folder: Path, stack: AsyncExitStack) -> Path:
    """Where the processes of this run keep their files: ``run`` in the report folder, made anew."""
    work = folder.resolve() / "run"
    if work.exists():
        shutil.rmtree(work)
    work.mkdir(parents=True)
    if len(str(work / "runtime" / "quartier.sock")) <= _SOCKET_PATH_MAX:
        return work
    short = stack.enter_context(tempfile.TemporaryDirectory(prefix="quartier-"))
    return Path(short)
