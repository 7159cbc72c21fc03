"""Dataclasses that share what they do alike do the same as those of the standard library."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from quartier.runtime.process_size import hide_modules

ROOT = Path(__file__).parents[3]
MADE = """
import sys
from dataclasses import dataclass, field
from typing import Any, ClassVar
if sys.argv[1] == "shared":
    from quartier.runtime import process_size
    process_size.share_dataclass_functions()

@dataclass(frozen=True)
class Point:
    x: float
    y: float = 0.0
    secret: str = field(default="s", repr=False)
    many: ClassVar[int] = 3

@dataclass(frozen=True, slots=True)
class Tight:
    a: int
    b: tuple[Any, ...] = ()

@dataclass(frozen=True)
class Wider(Point):
    z: float = 1.0

class Free(Point):
    pass

@dataclass
class Node:
    below: list[Any] = field(default_factory=list)

def tried(act):
    try:
        return repr(act())
    except Exception as error:
        return f"{type(error).__name__}: {error}"

node = Node()
node.below.append(node)
free = Free(1.0)
print(Point(1.0), Tight(1, (2,)), Wider(1.0, z=2.0), node, free)
for one in (Point(1.0), Tight(1), Wider(2.0), free):
    print(tried(lambda: setattr(one, "x" if hasattr(one, "x") else "a", 5)))
    print(tried(lambda: delattr(one, "x" if hasattr(one, "x") else "a")))
print(tried(lambda: setattr(Point(1.0), "other", 5)), tried(lambda: setattr(free, "other", 5)), free.other)
print(tried(lambda: delattr(free, "other")), hasattr(free, "other"))
print(Point(1.0) == Point(1.0), Point(1.0) == Wider(1.0), hash(Point(1.0)) == hash(Point(1.0)), Point.__repr__.__name__)
"""


@pytest.fixture(scope="module")
def told():
    env = {**os.environ, "PYTHONPATH": str(ROOT / "gateway")}

    def ran(how):
        words = [sys.executable, "-c", MADE, how]
        return subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout

    return {how: ran(how) for how in ("shared", "own")}


def test_records_are_shown_compared_and_frozen_as_those_of_the_library(told):
    assert told["own"] == told["shared"]
    assert 9 == told["own"].count("FrozenInstanceError")


@pytest.mark.skipif(sys.version_info[:2] > (3, 12), reason="this library makes all of a class at once")
def test_a_daemons_records_share_what_they_do_alike():
    code = (
        "from quartier.runtime import daemon_setup\n"
        "from quartier.site.samples import Sample, StreamPosition\n"
        "print(Sample.__setattr__ is StreamPosition.__setattr__, Sample.__repr__ is StreamPosition.__repr__)\n"
    )
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in ("gateway", "drivers", "native")),
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)

    assert "True True" == done.stdout.strip()


def test_what_is_imported_inside_does_not_find_it_and_afterwards_it_is_there_again():
    sys.modules.pop("colorsys", None)
    with hide_modules("colorsys"), pytest.raises(ImportError):
        import_module("colorsys")

    assert import_module("colorsys").rgb_to_hsv


def test_what_was_there_before_stays():
    with hide_modules("sys"):
        same = import_module("sys")

    assert same is sys
