import pytest

from quartier_hil.torture import trust
from quartier_hil.torture.stand import GivenUp


@pytest.mark.parametrize("fault", [trust.nameless, trust.expired])
async def test_what_a_stand_cannot_do_is_said_and_not_passed_over(fault):
    class Bare:
        hosts = authority = None

    with pytest.raises(GivenUp, match="needs root|no certificates"):
        await fault(Bare(), None, 1)
