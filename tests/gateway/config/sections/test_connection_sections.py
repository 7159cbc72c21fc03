"""The keys of a share: what may stand there, and what is said of anything else."""

import pytest
from pydantic import ValidationError

from quartier.config.sections.connection_sections import ShareSection


def share(**keys: object) -> ShareSection:
    return ShareSection.model_validate({"bus": "lan", "clients": ["192.168.1.40"], **keys})


def test_a_share_serves_this_machine_and_reads_unless_it_says_more() -> None:
    found = share()

    assert ("127.0.0.1:1502", (), False, (), 1.0) == (
        found.listen,
        found.writes,
        found.diagnostics,
        found.units,
        found.age_max_s,
    )


@pytest.mark.parametrize("listen", ["192.168.1.10:502", "0.0.0.0:1502", "[::1]:1502", "[fe80::1]:65535"])
def test_it_listens_at_an_address_and_a_port(listen: str) -> None:
    assert listen == share(listen=listen).listen


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"listen": "192.168.1.10"}, "is not ADDRESS:PORT"),
        ({"listen": "heatpump:502"}, "is not ADDRESS:PORT"),
        ({"listen": "::1:1502"}, "is not ADDRESS:PORT"),
        ({"listen": "127.0.0.1:0"}, "is not ADDRESS:PORT"),
        ({"listen": "127.0.0.1:65536"}, "is not ADDRESS:PORT"),
        ({"listen": "127.0.0.1:x"}, "is not ADDRESS:PORT"),
        ({"clients": []}, "is empty"),
        ({"clients": ["portal.example"]}, "neither an address nor a network"),
        ({"clients": ["192.168.1.40/24"]}, "neither an address nor a network"),
        ({"units": [256]}, "256 is no unit"),
        ({"writes": ["holding:5"]}, "is no place to write"),
        ({"writes": ["0/holding:5"]}, "reaches every device"),
    ],
)
def test_what_is_wrong_is_said(keys: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        share(**keys)
