"""Base of every SunSpec device of the rig: image on a Modbus unit, writes of points, habits."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from quartier_sim.devices.simulated_device import Device
from quartier_sim.modbus.unit import ILLEGAL_ADDRESS, ILLEGAL_VALUE, Refusal, Table, Unit
from quartier_sim.sunspec.control_functions import ControlFunction
from quartier_sim.sunspec.model_layout import decode_value
from quartier_sim.sunspec.register_image import Cell, ModelEntry, RegisterImage


@dataclass(frozen=True, slots=True)
class Habit:
    """A habit; ``number`` is the number in its sentence, if any."""

    name: str
    about: str
    number: int = 0


_HABIT_TABLE = (
    # timers
    Habit("timer-lost", "takes a timer and keeps zero: it reads back 0 and never acts"),
    Habit("timer-ignored", "keeps a timer as written, and never acts on it"),
    Habit("timer-fed-by-polls", "starts its timers again at each reading of the model"),
    Habit(
        "timer-fed-by-values",
        "starts a timer of model 704 again when the value is written, not only its enable",
    ),
    Habit("discards-writes", "says yes to every write and forgets it"),
    # controls
    Habit("standby-at-zero", "a cap of 0 % sends it into standby, and it stays there for `number` s", 300),
    Habit("inverted-setpoint", "takes a setpoint's plus for charging where the standard says generating"),
    Habit("ignores-setpoint", "keeps a setpoint as written, and does nothing"),
    # the map
    Habit("no-scale", "its scale factors of power are not implemented"),
    Habit("short-reads", "refuses to read more than `number` registers at once", 50),
    Habit("no-end", "nothing stands behind its last model"),
    Habit("end-without-length", "the end of the chain is one register, without a length"),
    Habit("base-0", "its map begins at register 0"),
    Habit("base-50000", "its map begins at register 50000"),
    Habit("short-common", "its model 1 is 65 registers long, as in its first edition"),
    Habit("longer-models", "its models are `number` registers longer than their files say", 4),
    Habit("stranger", "a maker's own model stands in the chain, `number` registers long", 10),
)
HABITS: Mapping[str, Habit] = {habit.name: habit for habit in _HABIT_TABLE}


def select_habits(names: Iterable[str]) -> Mapping[str, int]:
    """The habits in ``names`` (``"short-reads"``, ``"short-reads=20"``) with their numbers.

    Raises ValueError for one that there is not.
    """
    found: dict[str, int] = {}
    for text in names:
        name, _, number = text.partition("=")
        if name not in HABITS:
            raise ValueError(f"{name!r} is no habit; expected one of {', '.join(HABITS)}")
        found[name] = int(number) if number else HABITS[name].number
    return found


_UNKNOWN_MODEL = 64_999
_WORDS_MAX = 125
_POWER_SCALES = (".W_SF", ".WMax_SF", ".WChaMax_SF", ".WChaDisChaMax_SF")


class _Registers(Unit):
    """The image as holding registers."""

    def __init__(self, device: "SunSpecDevice", words_max: int) -> None:
        super().__init__(functions=(3, 6, 16), words_max=words_max, accept=device.write)
        self._device = device
        self.tables["holding"] = device.image.words

    def get(self, table: Table, address: int, count: int = 1) -> list[int]:
        words = super().get(table, address, count)
        self._device.read()
        return words


class SunSpecDevice(Device):
    """A device whose registers are ``image``; without behaviour of its own it keeps written values.

    ``models`` are laid out in their order, ``habits`` are names of ``habit.HABITS``.  Raises ValueError for
    an unknown habit.
    """

    def __init__(
        self, models: Iterable[ModelEntry], *, unit: int = 1, habits: Iterable[str] = (), seed: int = 0
    ) -> None:
        super().__init__(seed)
        self.habits: Mapping[str, int] = select_habits(habits)
        self.image = self._image(list(models))
        self.functions: list[ControlFunction] = []
        self.units = {unit: _Registers(self, self.habits.get("short-reads", _WORDS_MAX))}

    def _image(self, models: list[ModelEntry]) -> RegisterImage:
        habits = self.habits
        if "stranger" in habits:
            models.insert(1, (_UNKNOWN_MODEL, [7] * habits["stranger"]))
        image = RegisterImage(
            models,
            base=0 if "base-0" in habits else 50_000 if "base-50000" in habits else 40_000,
            longer=habits.get("longer-models", 0),
            padded="short-common" not in habits,
            ends="no-end" not in habits,
        )
        if "end-without-length" in habits:
            del image.words[max(image.words)]
        if "no-scale" in habits:
            for cell in image:
                if cell.path.endswith(_POWER_SCALES):
                    image.put(cell.path, None)
        return image

    # -- the plant's side ------------------------------------------------------------------

    def show(self, values: Mapping[str, float]) -> None:
        """Take points by their path, as they are meant (``{"103.W": 1500.0}``)."""
        for path, value in values.items():
            self.image.show(path, value)

    def expire(self) -> None:
        """Let the timers of the functions run out."""
        for function in self.functions:
            function.expire(self.now_s)

    def forget(self) -> None:
        """Every function is off after a loss of power; what was set stays."""
        for function in self.functions:
            function.off()

    # -- the wire's side -------------------------------------------------------------------

    def read(self) -> None:
        """Something was read."""
        if "timer-fed-by-polls" in self.habits:
            for function in self.functions:
                function.handle_poll(self.now_s)

    def write(self, _table: Table, address: int, words: Sequence[int]) -> None:
        """Take a write of whole points.  Raises Refusal for what cannot be written."""
        if "discards-writes" in self.habits:
            return
        end, taken = address + len(words), list[Cell]()
        place = address
        while place < end:
            cell = self.image.at(place)
            if cell is None or not cell.point.writable or self.image.get(cell.path) is None:
                raise Refusal(ILLEGAL_ADDRESS)
            if cell.address != place or cell.end > end:  # half of a number is none
                raise Refusal(ILLEGAL_VALUE)
            self._check(cell, words[place - address : cell.end - address])
            taken.append(cell)
            place = cell.end
        self.image.words.update(enumerate(words, address))
        self.handle_write([cell.path for cell in taken])

    def _check(self, cell: Cell, words: Sequence[int]) -> None:
        value = decode_value(cell.point.kind, words)
        if value is None or (
            cell.point.kind.startswith("enum") and cell.point.codes and value not in cell.point.codes
        ):
            raise Refusal(ILLEGAL_VALUE)

    def handle_write(self, paths: Collection[str]) -> None:
        """Points were written."""
        if "timer-lost" in self.habits:
            for function in self.functions:
                if function.seconds in paths:
                    self.image.put(function.seconds, 0)
        for function in self.functions:
            function.handle_write(paths, self.now_s)

    # -- functions -------------------------------------------------------------------------

    def function(
        self,
        enable: str,
        seconds: str,
        *,
        left: str | None = None,
        reverts: Mapping[str, str] | None = None,
        feeds: Collection[str] = (),
    ) -> ControlFunction:
        """A function of this device, with its habits about timers."""
        found = ControlFunction(
            self.image,
            enable=enable,
            seconds=seconds,
            left=left,
            reverts=reverts,
            feeds=feeds,
            acts="timer-ignored" not in self.habits,
        )
        self.functions.append(found)
        return found
