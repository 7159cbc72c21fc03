"""A disk whose every write is logged, so that the moment of a power cut can be chosen afterwards.

``qemu-storage-daemon`` serves an image through its ``blklogwrites`` filter as a file over FUSE; on it
lies an ext4, mounted through a loop device.  Needs root, /dev/fuse and a free loop device.
Format of the log: qemu, docs of ``blklogwrites`` (that of Linux' dm-log-writes, version 1).
"""

import itertools
import random
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_SECTOR = 512
_HEAD = struct.Struct("<QQQL")
_ENTRY = struct.Struct("<QQQQ")
_MAGIC = 0x6A736677736872
FLUSH = 1
_SIZE_MB = 32


@dataclass(frozen=True, slots=True)
class Entry:
    """One request: ``data`` for ``at`` (bytes), or a flush."""

    at: int
    data: bytes
    flushes: bool


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


class Disk:
    """An ext4 of 32 MB at ``mount`` while it is ``served``; ``entries`` afterwards."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.mount = folder / "mount"
        self._log = folder / "log.img"
        self._numbers = itertools.count()

    @contextmanager
    def served(self) -> Iterator[None]:
        for name, size_mb in (("disk.img", _SIZE_MB), ("log.img", 4096)):
            with (self._folder / name).open("wb") as file:
                file.truncate(size_mb << 20)
        mount_image = self._folder / "door"
        mount_image.touch()
        self.mount.mkdir()
        server = subprocess.Popen(
            [
                "qemu-storage-daemon",
                f"--blockdev=driver=file,filename={self._folder / 'disk.img'},node-name=disk",
                f"--blockdev=driver=file,filename={self._log},node-name=log",
                "--blockdev=driver=blklogwrites,file=disk,log=log,node-name=both,log-super-update-interval=1",
                f"--export=type=fuse,id=mount_image,node-name=both,mountpoint={mount_image},writable=on",
                f"--pidfile={self._folder / 'pid'}",
            ],
        )
        try:
            while not (self._folder / "pid").exists():
                if server.poll() is not None:
                    raise OSError("qemu-storage-daemon ended by itself")
            run("mkfs.ext4", "-q", "-F", str(mount_image))
            run("mount", "-o", "loop", str(mount_image), str(self.mount))
            try:
                yield
            finally:
                run("umount", str(self.mount))
        finally:
            server.terminate()
            server.wait(30)

    @property
    def count(self) -> int:
        """How many requests were logged up to the last flush."""
        with self._log.open("rb") as file:
            magic, version, count, sector = _HEAD.unpack(file.read(_HEAD.size))
        assert (_MAGIC, 1, _SECTOR) == (magic, version, sector)
        return int(count)

    def entries(self) -> Iterator[Entry]:
        with self._log.open("rb") as file:
            file.seek(_SECTOR)
            for _ in range(self.count):
                sector, sectors, flags, _ = _ENTRY.unpack(file.read(_SECTOR)[: _ENTRY.size])
                yield Entry(sector * _SECTOR, file.read(sectors * _SECTOR), bool(flags & FLUSH))

    @contextmanager
    def cut(self, image: bytes | bytearray) -> Iterator[Path]:
        """The files as ext4 finds them after a power cut that left ``image`` on the disk."""
        # A file of its own each time: a loop device lives on for a moment after its umount, and a mount of the same
        # file would take that one again, with what it still holds of the image before.
        path, place = self._folder / f"after{next(self._numbers)}.img", self._folder / "after"
        path.write_bytes(image)
        place.mkdir(exist_ok=True)
        run("mount", "-o", "loop", str(path), str(place))
        try:
            yield place
        finally:
            run("umount", str(place))
            path.unlink()

    def images(self, moments: list[int], dice: random.Random) -> Iterator[tuple[int, bytearray]]:
        """What is on the disk at each of the (ascending) moments, numbers of requests.

        All that was flushed is there; of what was not, a part that chance chooses, as a disk with a cache does.
        """
        sound, pending = bytearray(_SIZE_MB << 20), list[Entry]()
        wanted = iter(moments)
        goal = next(wanted, None)
        for done, entry in enumerate(self.entries()):
            while goal is not None and done >= goal:
                image = bytearray(sound)
                for late in pending:
                    if dice.random() < 0.5:
                        image[late.at : late.at + len(late.data)] = late.data
                yield goal, image
                goal = next(wanted, None)
            if entry.flushes:
                for late in pending:
                    sound[late.at : late.at + len(late.data)] = late.data
                pending.clear()
            if entry.data:
                pending.append(entry)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)
