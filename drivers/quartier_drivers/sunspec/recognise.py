"""Finds the profiles that fit a device by its models: those of which it has the most."""

from collections.abc import Iterable, Sequence

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.line import Line
from quartier_drivers.modbus.recognise import Guess
from quartier_drivers.schema import Limits
from quartier_drivers.sunspec.chain import BASES, Chain
from quartier_drivers.sunspec.device import met
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.registers import Registers
from quartier_drivers.sunspec.schema import Taken
from quartier_drivers.sunspec.survey import Survey

ANY = "SunSpec"
"""The maker of a profile that fits devices of all makers."""
_ENOUGH = 0.5
_SHOWN_MAX = 3


async def guesses(line: Line, unit: int, profiles: Sequence[SunspecProfile]) -> list[Guess]:
    """Return the profiles that fit the device of this unit; empty if it states no models."""
    registers = Registers(line, unit, Limits())
    try:
        chain = await Survey(registers, BASES).chain()
        device = await met(registers, chain, ())
    except (NoReply, LinkLost):
        return []
    return fitting(chain, device.identity, profiles)


def fitting(chain: Chain, identity: dict[str, str], profiles: Iterable[SunspecProfile]) -> list[Guess]:
    """Return the profiles that fit a device with known models and identity, the best first.  Pure."""
    numbers = {found.number for found in chain.models}
    maker = identity.get("maker", "")
    told = []
    for profile in profiles:
        if profile.head.maker not in (ANY, maker) and not maker.lower().startswith(
            profile.head.maker.lower()
        ):
            continue
        wanted = [taken for part in profile.parts.values() for taken in part.values()]
        has_count = sum(_has(taken, numbers) for taken in wanted)
        rank = profile.head.maker != ANY, has_count / len(wanted), len(profile.parts), has_count
        told.append((rank, profile.name))
    told.sort(key=lambda one: one[0], reverse=True)
    who = " ".join(identity[key] for key in ("maker", "model") if key in identity)
    models = " ".join(str(found.number) for found in chain.models)
    return [
        Guess(
            name,
            "possible" if place else "likely",
            f"it is {who}; its models are {models}",
            count,
            identity.get("serial", ""),
        )
        for place, ((_, share, _, count), name) in enumerate(told[:_SHOWN_MAX])
        if share >= _ENOUGH
    ]


def _has(taken: Taken, numbers: set[int]) -> bool:
    if taken.write is not None:
        return any(int(control.partition(".")[0]) in numbers for control in taken.write.control)
    return any(all(name.model in numbers for name in names) for names in taken.source)
