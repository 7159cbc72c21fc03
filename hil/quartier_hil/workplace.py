"""Where the processes of a run keep their files."""

import atexit
import shutil
import tempfile
from pathlib import Path

# A unix socket's path holds 107 bytes (sys/un.h); a link in the temporary folder leads to what lies deeper.
_SOCKET_PATH_MAX = 100


def work_folder(folder: Path) -> Path:
    """Return where the processes of this run keep their files: ``run`` in the report folder, made anew.

    A link to one that is too deep for a socket lasts as long as this process: what lies there is judged last.
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
