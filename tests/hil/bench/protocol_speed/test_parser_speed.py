import pytest

from quartier_bench.peers.peer_cache import PARSER_PACKAGES, MissingPeerError, PeerCache
from quartier_bench.protocol_speed import parser_speed
from quartier_bench.protocol_speed.parser_speed import COMPARISONS, OurParser, TurnResult
from quartier_bench.speed.measurement import Setting


@pytest.fixture
def setting(tmp_path):
    return Setting(1, True, tmp_path, PeerCache(tmp_path / "cache", lambda _: None), lambda _: None)


@pytest.mark.parametrize("contest", COMPARISONS, ids=lambda contest: contest.name)
def test_we_read_every_telegram_of_a_capture_in_each_pass(contest):
    telegrams = contest.telegrams()

    turn = OurParser(contest.decoder, telegrams).turn(2)

    assert 2 * len(telegrams) == turn.telegrams_count
    assert turn.values_count > turn.telegrams_count
    assert len(telegrams) > 200


@pytest.mark.parametrize("contest", COMPARISONS, ids=lambda contest: contest.name)
def test_a_capture_is_the_same_each_time(contest):
    assert contest.telegrams() == contest.telegrams()
    assert contest.package in PARSER_PACKAGES


def test_a_peer_that_cannot_be_installed_is_skipped_and_never_holds(setting, monkeypatch):
    def absent(_, package):
        raise MissingPeerError(f"pip could not install {package}")

    monkeypatch.setattr(PeerCache, "parser", absent)

    *contests, day = parser_speed.measure_parsers(setting)

    assert [f"pip could not install {one.package}" for one in COMPARISONS] == [
        one.skipped for one in contests
    ]
    assert {None} == {one.holds() for one in contests}
    assert not day.skipped


@pytest.mark.parametrize("turn", [TurnResult(0.1, 9, 100), TurnResult(0.1, 11, 100), TurnResult(0.1, 10, 9)])
def test_a_side_that_read_too_little_breaks_the_group(turn):
    with pytest.raises(RuntimeError, match="we read"):
        parser_speed._check_turn("we", turn, 10)


@pytest.mark.peer
def test_a_peer_that_falls_over_is_quoted(setting):
    with (
        parser_speed.PeerParser(setting, "iec62056-21", [b"\x02nonsense\x03"]) as peer,
        pytest.raises(RuntimeError, match="ValueError"),
    ):
        peer.turn(1)
