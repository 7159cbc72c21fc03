"""With a BBMD of another stack, and one that is full: in ``test_link``; here: what is said, and when."""

from quartier_drivers.bacnet.network.udp_port import BbmdRegistration
from quartier_drivers.errors import LinkLost


class Registrar:
    is_registered = False

    def __init__(self, why=""):
        self.why = why

    async def register(self, bbmd, ttl_s, timeout_s):
        assert (("10.0.0.1", 47808), 300, 1.0) == (bbmd, ttl_s, timeout_s)
        if self.why:
            raise LinkLost(self.why)
        self.is_registered = True


def made():
    return BbmdRegistration("bms", "10.0.0.1", 300, 1.0)


async def test_nothing_is_said_while_all_is_well():
    one = made()
    await one.begin(Registrar())

    assert () == one.notes()


async def test_why_it_did_not_take_us_is_said_once():
    one = made()
    await one.begin(Registrar("the BBMD 10.0.0.1 does not answer"))

    assert ["the BBMD 10.0.0.1 does not answer" in note.text for note in one.notes()] == [True]
    assert () == one.notes()


async def test_a_registration_that_ends_is_said_and_that_it_is_back():
    one, registrar = made(), Registrar()
    await one.begin(registrar)
    registrar.is_registered = False
    codes = [note.code for note in one.notes()]
    registrar.is_registered = True
    codes += [note.code for note in one.notes()]

    assert ["bbmd.lost", "bbmd.back"] == codes
