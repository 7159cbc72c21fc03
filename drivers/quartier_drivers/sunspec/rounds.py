"""Values that need several exchanges: one exchange per turn, all of them in a round."""

from collections.abc import Sequence

from quartier_drivers.contract import SLOT_NS, slot_ns
from quartier_drivers.modbus.plan import Block
from quartier_drivers.sunspec.device import Device, blocks
from quartier_drivers.sunspec.names import Name
from quartier_drivers.sunspec.registers import Registers


class Round:
    """The registers of ``names``, read block by block into the device's memory every ``period_s``."""

    def __init__(
        self, device: Device, names: Sequence[Name], registers: Registers, period_s: float, now_ns: int
    ) -> None:
        self.due_ns = now_ns
        self._device = device
        self._registers = registers
        self.period_ns = int(period_s * 1e9)
        self.blocks = blocks(device, names, registers.block_max)
        self._next = 0

    async def turn(self, now_ns: int, phase_ns: int = 0) -> bool:
        """Read the next block; return whether it was the last of the round.  Raises NoReply or LinkLost."""
        if self._next + 1 >= len(self.blocks):
            self.due_ns = self._later_ns(now_ns, phase_ns)
        if not self.blocks:
            return True
        place, self._next = self._next, (self._next + 1) % len(self.blocks)
        await self._read(self.blocks[place])
        return self._next == 0

    def later(self, now_ns: int, settle_ns: int, phase_ns: int = 0) -> None:
        """Set the next turn after an extra read: when the value has settled, or at its usual time."""
        self.due_ns = now_ns + settle_ns if settle_ns else self._later_ns(now_ns, phase_ns)

    async def whole(self, *, probes: bool = False) -> None:
        """Read all blocks now; with ``probes`` silence is believed at once.  Raises NoReply or LinkLost."""
        self._next = 0
        for block in self.blocks:
            await self._read(block, probes=probes)

    async def _read(self, block: Block, *, probes: bool = False) -> None:
        seams = {want.start for want in block.wants} | {want.end for want in block.wants}
        words = await self._registers.words(block.start, block.count, seams, probes=probes)
        self._device.memory.update(zip(range(block.start, block.end), words, strict=True))

    def _later_ns(self, now_ns: int, phase_ns: int) -> int:
        if self.period_ns % SLOT_NS:
            return now_ns + self.period_ns
        return slot_ns(now_ns + 1, self.period_ns, phase_ns)
