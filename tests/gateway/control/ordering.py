"""A building that the district commands, in synthetic time: what it is told, and what it answers."""

from copy import copy, deepcopy

from quartier.control.orders import command_progress, running_commands
from quartier.control.orders.command_progress import CommandContext
from quartier.control.orders.commands import CommandDocument, Setpoint
from quartier.control.orders.running_commands import RunningCommands
from quartier.control.records import Override
from quartier.control.requests import InstructionStatus, Requests
from quartier_drivers.contract import Origin

ANNA = Origin("person", "anna", "1001")


def document(request, seq=1, ident=None):
    """A command that came; it may be taken for a minute."""
    return CommandDocument(id=ident or f"c{seq}", seq=seq, exp_utc_ms=2**52, asked=request)


def by_hand(name, value, until_s=10_000):
    """A person's order of an asset."""
    return Override(name, value, until_s * 1_000_000_000, 0, ANNA, "")


_RUN = {}


def settled(plant, **more):
    """A ``commanded`` building 40 s after its start: stepped once for all tests that want the same one."""
    key = repr(sorted(more.items()))
    if key not in _RUN:
        _RUN[key] = commanded(plant, **more).run(40)
    return _apart(_RUN[key])


def _apart(building):
    """A copy that goes its own way: what is frozen is shared, what is written to is not."""
    other = copy(building)
    for name, value in vars(building).items():
        if isinstance(value, list | dict | set):
            setattr(other, name, copy(value))
    other._image = deepcopy(building._image)
    return other


def commanded(plant, **more):
    """A ``plant`` with commands; ``context_changes`` changes what they are judged against."""

    class Commanded(plant):
        def __post_init__(self):
            super().__post_init__()
            self.commands = RunningCommands()
            self.people = {}
            self.context_changes = {}
            self.acks = []

        def requests(self):
            now_ns = self.now().ns
            return Requests(
                caps=self.caps,
                overrides=running_commands.collect_overrides(self.commands, self.house, self.people, now_ns),
                shed=running_commands.find_commanded_tiers(self.commands, now_ns),
            )

        @property
        def context(self):
            requests = (one.document.asked for one in self.commands.running)
            ordered = {request.asset for request in requests if isinstance(request, Setpoint)}
            plain = {"state": self.state, "overrides": self.people, "ordered": ordered, "now": self.now()}
            return CommandContext(**(plain | self.context_changes))

        def command(self, request, seq=1, *, persisted=True):
            """Tell it one; returns status, reception and reason of the verdict."""
            received = document(request, seq)
            found = command_progress.decide_command(
                received, self.commands, self.context, persisted=persisted
            )
            if found.status is InstructionStatus.ACCEPTED:
                self.commands, acks = running_commands.accept_command(
                    self.commands, received, found.reason, self.now()
                )
                self.acks += acks
            return found.status.value, found.reason

        def step(self):
            decision = super().step()
            self.commands, acks = command_progress.evaluate_running_commands(self.commands, self.context)
            self.acks += acks
            return decision

        def said(self, ident="c1"):
            """What was answered to one command, in order."""
            return [ack.status + f" {ack.reason}".rstrip() for ack in self.acks if ack.id == ident]

    return Commanded(**more)
