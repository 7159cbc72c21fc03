import pytest
from pydantic import ValidationError

from quartier_hil.happenings import Document, Master


def test_a_master_writes_again_and_again():
    assert 5 == Master(at_s=0, do="master", point="bat1.setpoint_w", value=4_000, for_s=60).every_s


def test_only_nonsense_that_is_known_can_be_sent():
    with pytest.raises(ValidationError, match="kind"):
        Document(at_s=0, do="document", kind="rude")
