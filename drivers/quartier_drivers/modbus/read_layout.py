"""The part that devices with one profile share: their points, the plan of requests, the decoding.

A site has many like meters.  Two of them differ only in the owners of their points and in their unit;
everything else is made once here, under names that stand for any owner.  Pure.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from quartier_drivers import register_codec
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile.loading import RegisterProfile
from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.modbus.request_plan import RequestBlock, plan_blocks
from quartier_drivers.modbus.served_points import SCALE_KEY, ServedPoint, ServedPoints, list_wanted
from quartier_drivers.native_fields import make_field, make_void_field
from quartier_drivers.readings import VALUE_KINDS, Layout, SharedQuantities
from quartier_native import Registers

OWN_UNIT = -1
"""In a shared plan: the unit of the device itself."""

Power = int | None
"""The content of a scale register: a power of ten, None if invalid."""


class AnswerLayout:
    """The columns of the answer to one request, for these powers in its scale registers.

    ``points`` are those that are read, in the order of the columns, each with the start of its words in the
    answer and its power.  A point whose scale register has not been read yet is left out.
    """

    __slots__ = ("__weakref__", "_decoders", "_kinds", "_shared_quantities", "keys", "points", "registers")

    def __init__(self, points: Sequence[tuple[ServedPoint, int, Power]]) -> None:
        self.points = tuple(points)
        self.keys = tuple(one.name for one, _, _ in points)
        self._kinds = bytes(VALUE_KINDS[one.kind] for one, _, _ in points)
        # If all points have one owner, the layouts of like devices share nearly everything.
        of_one = len({key.partition(".")[0] for key in self.keys}) == 1
        self._shared_quantities = (
            SharedQuantities((one.quantity for one, _, _ in points), self._kinds) if of_one else None
        )
        self.registers = Registers(
            make_void_field(start) if power is None else make_field(one.quantity, one.point, start, power)
            for one, start, power in points
        )
        self._decoders: dict[int, register_codec.Decoder] = {}

    def __len__(self) -> int:
        return len(self.points)

    def layout(self, owners: "DeviceOwners") -> Layout:
        """Return a layout of these points for the device of these owners."""
        if self._shared_quantities is None:
            return Layout([owners.name(key) for key in self.keys], self._kinds)
        return Layout.of(owners.owner(self.keys[0]), self._shared_quantities)

    def decoder(self, place: int) -> register_codec.Decoder:
        """Return the decoder of the point at ``place``, for points that the native reader leaves."""
        found = self._decoders.get(place)
        if found is None:
            one = self.points[place][0]
            found = self._decoders[place] = register_codec.make_decoder(one.quantity, one.point)
        return found


class RequestLayout:
    """One request of a plan.  ``keys`` are its points, ``scales`` the scale registers in its answer.

    A scale register is given with its place in the data, in bytes; ``places`` are all those that its points
    need, also if another request reads them.
    """

    __slots__ = ("_fits", "_points", "block", "keys", "places", "scale_words", "scales")

    def __init__(self, block: RequestBlock, points: Mapping[str, ServedPoint]) -> None:
        self.block = block
        self.keys = frozenset(key for want in block.wants for key in want.keys)
        self._points = points
        self._fits: WeakValueDictionary[tuple[object, ...], AnswerLayout] = WeakValueDictionary()
        found = {
            (2 * (want.start - block.start), place)
            for want in block.wants
            for key in want.keys
            if key.startswith(SCALE_KEY)
            and (place := points[key.removeprefix(SCALE_KEY)].point.scale_address) is not None
        }
        self.scales = tuple(sorted(found, key=lambda one: one[0]))
        self.scale_words: Callable[[bytes], tuple[bytes, ...]]
        """Returns the content of its scale registers, in the order of ``scales``, in pieces of any length."""
        self.scale_words = _make_picker([start for start, _ in self.scales]).unpack_from
        needed = (points[key].point.scale_address for key in self.names())
        self.places = tuple(dict.fromkeys(place for place in needed if place is not None))

    def names(self) -> Iterator[str]:
        """Yield the points whose own registers are in the block."""
        return (key for want in self.block.wants for key in want.keys if not key.startswith(SCALE_KEY))

    def fit(self, powers: Mapping[Address, Power]) -> AnswerLayout:
        """Return the columns of its answer with ``powers`` in the scale registers.

        Scale registers that were not read yet are absent from ``powers``.
        """
        state = tuple(powers.get(place, "unread") for place in self.places)
        found = self._fits.get(state)
        if found is None:
            found = self._fits[state] = AnswerLayout(list(self._iterate_points(powers)))
        return found

    def _iterate_points(self, powers: Mapping[Address, Power]) -> Iterator[tuple[ServedPoint, int, Power]]:
        for want in self.block.wants:
            for key in want.keys:
                if key.startswith(SCALE_KEY):
                    continue
                one = self._points[key]
                place = one.point.scale_address
                if place is None or place in powers:
                    yield one, want.start - self.block.start, 0 if place is None else powers[place]


def _make_picker(starts: Sequence[int]) -> struct.Struct:
    """Return a struct that unpacks the words at these rising byte places of an answer; a run is one piece."""
    form, end = [">"], 0
    runs: list[list[int]] = []
    for start in starts:
        if runs and start == sum(runs[-1]):
            runs[-1][1] += 2
        else:
            runs.append([start, 2])
    for start, size in runs:
        form.append(f"{start - end}x{size}s")
        end = start + size
    return struct.Struct("".join(form))


class SharedPlan:
    """The points of a profile as like devices share them; owners are "0", "1" … in the names here.

    ``sheets`` is the plan of all reads, ``writable`` the points that can be written.
    """

    def __init__(self, device: DeviceSpec, profile: RegisterProfile, request_cost: float) -> None:
        self.profile = profile
        self.served_points = ServedPoints(device, profile)
        limits = profile.limits
        blocks = plan_blocks(
            (want for one in self.served_points.values() for want in list_wanted(one, profile)),
            block_max=limits.block_max,
            gap_max=limits.gap_max,
            request_cost=request_cost,
        )
        self.sheets = tuple(RequestLayout(block, self.served_points) for block in blocks)
        self.writable = tuple(name for name, one in self.served_points.items() if one.point.write is not None)


_SHARED_PLANS: WeakValueDictionary[tuple[object, ...], SharedPlan] = WeakValueDictionary()


def find_shared_plan(device: DeviceSpec, profile: RegisterProfile, request_cost: float) -> SharedPlan:
    """Return the plan that ``device`` shares with like ones: same profile, same kind of line."""
    numbers = {owner: str(number) for number, owner in enumerate(dict.fromkeys(device.owners.values()))}
    owners = {part: numbers[owner] for part, owner in device.owners.items()}
    elsewhere = any(
        point.unit is not None for part in owners for point in profile.parts.get(part, {}).values()
    )
    # If a profile names units, one of them may be the device's own: its plan is then for this unit.
    unit = device.unit if elsewhere else OWN_UNIT
    asked = tuple((part, device.points.get(part)) for part in owners)
    key = (id(profile), tuple(owners.items()), asked, unit, request_cost)
    found = _SHARED_PLANS.get(key)
    if found is None:
        generic = replace(device, name="", unit=unit, owners=owners, caps={})
        found = _SHARED_PLANS[key] = SharedPlan(generic, profile, request_cost)
    return found


@dataclass(frozen=True, slots=True)
class DeviceOwners:
    """A device's own part, outside the shared plan: its unit, and its owners by their number in the plan."""

    unit: int
    owners: tuple[str, ...]

    def unit_of(self, block: RequestBlock) -> int:
        """Return the unit that a block of the shared plan asks."""
        return self.unit if block.unit == OWN_UNIT else block.unit

    def name(self, key: str) -> str:
        """Return the full name of a point of the shared plan."""
        return f"{self.owner(key)}.{key.partition('.')[2]}"

    def owner(self, key: str) -> str:
        """Return the owner of a point of the shared plan."""
        return self.owners[int(key.partition(".")[0])]

    def key(self, name: str) -> str:
        """Return the name of a point in the shared plan.  Raises ValueError for an unknown owner."""
        owner, _, quantity = name.partition(".")
        return f"{self.owners.index(owner)}.{quantity}"


def make_owners(device: DeviceSpec) -> DeviceOwners:
    """Return the owners of ``device`` in its shared plan."""
    return DeviceOwners(device.unit, tuple(dict.fromkeys(device.owners.values())))
