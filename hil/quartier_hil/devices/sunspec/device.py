"""Base of every SunSpec device of the rig: an image on a Modbus unit, writes of whole points, habits."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from quartier_hil.devices.actor import Device
from quartier_hil.devices.sunspec.function import Function
from quartier_hil.devices.sunspec.habit import chosen
from quartier_hil.devices.sunspec.image import Cell, Image, Part
from quartier_hil.devices.sunspec.word import decoded
from quartier_hil.devices.unit import ILLEGAL_ADDRESS, ILLEGAL_VALUE, Refusal, Table, Unit

_STRANGER = 64_999
_WORDS_MAX = 125
_POWERS = (".W_SF", ".WMax_SF", ".WChaMax_SF", ".WChaDisChaMax_SF")


class _Registers(Unit):
    """The image as holding registers."""

    def __init__(self, device: "SunSpec", words_max: int) -> None:
        super().__init__(functions=(3, 6, 16), words_max=words_max, accept=device.write)
        self._device = device
        self.tables["holding"] = device.image.words

    def get(self, table: Table, address: int, count: int = 1) -> list[int]:
        words = super().get(table, address, count)
        self._device.read()
        return words


class SunSpec(Device):
    """A device whose registers are ``image``; without behaviour of its own it keeps written values.

    ``models`` are laid out in their order, ``habits`` are names of ``habit.HABITS``.  Raises ValueError for
    an unknown habit.
    """

    def __init__(
        self, models: Iterable[Part], *, unit: int = 1, habits: Iterable[str] = (), seed: int = 0
    ) -> None:
        super().__init__(seed)
        self.habits: Mapping[str, int] = chosen(habits)
        self.image = self._image(list(models))
        self.functions: list[Function] = []
        self.units = {unit: _Registers(self, self.habits.get("short-reads", _WORDS_MAX))}

    def _image(self, models: list[Part]) -> Image:
        habits = self.habits
        if "stranger" in habits:
            models.insert(1, (_STRANGER, [7] * habits["stranger"]))
        image = Image(
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
                if cell.path.endswith(_POWERS):
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
                function.polled(self.now_s)

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
        self.written([cell.path for cell in taken])

    def _check(self, cell: Cell, words: Sequence[int]) -> None:
        value = decoded(cell.point.kind, words)
        if value is None or (
            cell.point.kind.startswith("enum") and cell.point.codes and value not in cell.point.codes
        ):
            raise Refusal(ILLEGAL_VALUE)

    def written(self, paths: Collection[str]) -> None:
        """Points were written."""
        if "timer-lost" in self.habits:
            for function in self.functions:
                if function.seconds in paths:
                    self.image.put(function.seconds, 0)
        for function in self.functions:
            function.written(paths, self.now_s)

    # -- functions -------------------------------------------------------------------------

    def function(
        self,
        enable: str,
        seconds: str,
        *,
        left: str | None = None,
        reverts: Mapping[str, str] | None = None,
        feeds: Collection[str] = (),
    ) -> Function:
        """A function of this device, with its habits about timers."""
        found = Function(
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
