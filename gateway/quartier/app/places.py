"""Where the daemon reads and writes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """The site file, and the folders of a run and of all runs."""

    config: Path
    runtime_dir: Path
    state_dir: Path
