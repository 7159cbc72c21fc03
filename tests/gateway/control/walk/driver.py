"""Long walks by a seed: episodes of a thousand moves, each in a house of its own."""

import sys
import traceback
from collections.abc import Sequence
from random import Random
from time import monotonic

from tests.gateway.control.walk import moves
from tests.gateway.control.walk.moves import Move
from tests.gateway.control.walk.world import World

EPISODE_COUNT = 1_000
Step = tuple[Move, int]


def house_of(seed: int, episode: int) -> int:
    """The number of the house that an episode goes through."""
    return seed * 100_003 + episode


def walked(number: int, random: Random, steps_count: int, taken: list[Step]) -> World:
    """So many random moves; each is noted in ``taken`` before it is made."""
    world = World(number)
    for _ in range(steps_count):
        step = moves.drawn(world, random), moves.count(random)
        taken.append(step)
        moves.made(world, *step)
    return world


def replayed(number: int, taken: Sequence[Step]) -> World:
    """The same moves again."""
    world = World(number)
    for step in taken:
        moves.made(world, *step)
    return world


def broke(number: int, taken: Sequence[Step]) -> str:
    """Where the moves break; empty where they do not."""
    try:
        replayed(number, taken)
    except Exception as error:  # noqa: BLE001  whatever breaks is what is looked for
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} in {frame.filename.rpartition('/')[2]}:{frame.lineno}"
    return ""


def shrunk(number: int, taken: Sequence[Step]) -> list[Step]:
    """The moves without those that it breaks without, in the same place (delta debugging)."""
    where, left = broke(number, taken), list(taken)
    size = len(left) // 2
    while size:
        at = len(left) - size
        while at > -size:
            fewer = left[: max(0, at)] + left[at + size :]
            if broke(number, fewer) == where:
                left = fewer
            at -= size
        size //= 2
    return left


def run(steps_count: int, seed: int, only: int | None = None) -> int:
    """Walk; says how far it came, and returns how many episodes broke."""
    done, cycles_count, broken, began = 0, 0, 0, monotonic()
    episode = 0 if only is None else only
    while done < steps_count and (only is None or episode == only):
        number, taken = house_of(seed, episode), []
        random, here_count = Random(f"{seed}:{episode}"), min(EPISODE_COUNT, steps_count - done)
        try:
            cycles_count += walked(number, random, here_count, taken).cycles_count
        except Exception:  # noqa: BLE001  whatever breaks is told
            broken += 1
            _tell(traceback.format_exc())
            _tell(f"broke: python -m tests.gateway.control.walk {len(taken)} {seed} {episode}")
            if only is not None:
                less = shrunk(number, taken)
                _tell(f"in house {number}, after:\n" + "\n".join(f"    {step!r}," for step in less))
                _tell(broke(number, less))
        done, episode = done + len(taken), episode + 1
        if episode % 5 == 0:
            _tell(f"{done} moves, {cycles_count} cycles, {broken} broke, {monotonic() - began:.0f} s")
    _tell(f"{done} moves of seed {seed} in {episode} sites, {cycles_count} cycles: {broken} broke")
    return broken


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
