import pytest

from quartier_hil.bench import parsers
from quartier_hil.bench.cache import PARSERS, AbsentError, Cache
from quartier_hil.bench.parsers import CONTESTS, Ours, Turn
from quartier_hil.bench.setting import Setting


@pytest.fixture
def setting(tmp_path):
    return Setting(1, True, tmp_path, Cache(tmp_path / "cache", lambda _: None), lambda _: None)


@pytest.mark.parametrize("contest", CONTESTS, ids=lambda contest: contest.name)
def test_we_read_every_telegram_of_a_capture_in_each_pass(contest):
    telegrams = contest.telegrams()

    turn = Ours(contest.decoder, telegrams).turn(2)

    assert 2 * len(telegrams) == turn.telegrams_count
    assert turn.values_count > turn.telegrams_count
    assert len(telegrams) > 200


@pytest.mark.parametrize("contest", CONTESTS, ids=lambda contest: contest.name)
def test_a_capture_is_the_same_each_time(contest):
    assert contest.telegrams() == contest.telegrams()
    assert contest.package in PARSERS


def test_a_peer_that_cannot_be_installed_is_skipped_and_never_holds(setting, monkeypatch):
    def absent(_, package):
        raise AbsentError(f"pip could not install {package}")

    monkeypatch.setattr(Cache, "parser", absent)

    *contests, day = parsers.figures(setting)

    assert [f"pip could not install {one.package}" for one in CONTESTS] == [one.skipped for one in contests]
    assert {None} == {one.holds() for one in contests}
    assert not day.skipped


@pytest.mark.parametrize("turn", [Turn(0.1, 9, 100), Turn(0.1, 11, 100), Turn(0.1, 10, 9)])
def test_a_side_that_read_too_little_breaks_the_group(turn):
    with pytest.raises(RuntimeError, match="we read"):
        parsers._checked("we", turn, 10)


@pytest.mark.peer
def test_a_peer_that_falls_over_is_quoted(setting):
    with (
        parsers.Peer(setting, "iec62056-21", [b"\x02nonsense\x03"]) as peer,
        pytest.raises(RuntimeError, match="ValueError"),
    ):
        peer.turn(1)
