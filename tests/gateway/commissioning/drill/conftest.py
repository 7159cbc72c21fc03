"""What the rig says of one loss that was made to happen."""

from copy import deepcopy

import pytest

ROW = {"noticed_s": 11.0, "deadline_s": 12.0, "action": "the battery is given back"}
TOLD = {
    "loss": "grid-meter-lost",
    "of": "",
    "how": "the meter falls silent",
    "state": "measured",
    "declared": ROW,
    "noticed_s": 10.5,
    "reached_s": 11.5,
    "words": "-3000 to 0",
    "page": "/tmp/x/index.html",
    "others": {},
    "is_shown": True,
}


@pytest.fixture
def told():
    return deepcopy(TOLD)
