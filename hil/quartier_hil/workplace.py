"""Folder of the files of the processes of a run."""

import atexit
import shutil
import tempfile
from pathlib import Path

# A unix socket's path holds 107 bytes (sys/un.h); a link in the temporary folder leads to what lies deeper.
_SOCKET_PATH_MAX = 100


def work_folder(folder: Path) -> Path:
    """Make the folder of this run's process files anew and return it: ``run`` in the report folder.

    If it is too deep for a socket, a link to it lasts as long as this process: its files are read last.
    """
    work = folder.resolve() / "run"
    if work.exists():
        shutil.rmtree(work)
    work.mkdir(parents=True)
    if len(str(work / "runtime" / "quartier.sock")) <= _SOCKET_PATH_MAX:
        return work
    short = Path(tempfile.mkdtemp(prefix="quartier-"))
    atexit.register(shutil.rmtree, short, ignore_errors=True)
    link = short / "run"
    link.symlink_to(work)
    return link
