from quartier.runtime.bus.mailbox import NO_WRITE_LISTENER, Mailbox, WriteOutcome
from quartier_drivers.contract import Command, Origin

COMMAND = Command("bat1.setpoint_w", 1.0, 10)


class Ears:
    def __init__(self):
        self.heard = []

    def judged(self, outcome):
        self.heard.append((outcome.command.value, outcome.verdict, outcome.is_out))


def test_every_change_of_a_verdict_is_heard_also_of_an_order_that_was_overtaken():
    ears = Ears()
    mailbox = Mailbox(ears)
    mailbox.post([COMMAND], 0)
    taken = mailbox.take(lambda _: True, 0)
    mailbox.post([Command("bat1.setpoint_w", 2.0, 10)], 1)
    mailbox.sent(taken, 2, read_back=True)
    mailbox.post([Command("bat1.setpoint_w", 3.0, 10)], 3)
    mailbox.expire(11)

    assert [(1.0, "replaced", True), (2.0, "replaced", False), (3.0, "expired", False)] == ears.heard


def test_nobody_hears_nothing_and_breaks_nothing():
    assert None is NO_WRITE_LISTENER.judged(WriteOutcome(COMMAND, "done", 0))
    assert None is NO_WRITE_LISTENER.gave_back(["a.b"], "done", "", 0)
    assert None is NO_WRITE_LISTENER.left(["a.b"], "done", "", 0)
    assert None is NO_WRITE_LISTENER.passed(
        "a.holding_1_index", Origin("client", "portal"), "", 1.0, "done", "", 0
    )
