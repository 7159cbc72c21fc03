"""What a meter says goes through its own driver, and the ledger knows what noise took."""

import datetime as dt

import pytest

from quartier_bench.soak.meter_lines import CheckedPolledMeter, CheckedPushMeter, NoisePeriods, SiteTime
from quartier_bench.soak.meter_senders import LinkySender, P1Sender, RandomLoad

BEGIN = dt.datetime(2026, 6, 12, tzinfo=dt.UTC)


def fed(kind, clock, noisy_pct=0.0):
    spells = NoisePeriods(1, noisy_pct)
    if kind == "linky":
        return CheckedPushMeter(
            "m", "tic", "enedis/linky_standard", LinkySender(RandomLoad(1)), spells, clock
        )
    if kind == "p1":
        return CheckedPushMeter("m", "p1", "dsmr/p1", P1Sender(RandomLoad(1)), spells, clock)
    return CheckedPolledMeter("m", "generic/mbus_electricity", RandomLoad(1), spells, clock)


async def spoken(line, clock, turns_count):
    taken = []
    await line.open()
    for _ in range(turns_count):
        clock.ns += int(1e9 * await line.turn(taken.append))
        if line.is_clean:
            await line.flush(taken.append)
    return taken


@pytest.mark.parametrize("kind", ["linky", "p1", "mbus"])
async def test_what_the_driver_tells_is_what_the_meter_says(kind):
    clock = SiteTime(BEGIN.timestamp())
    line = fed(kind, clock)
    taken = await spoken(line, clock, 20)
    last = {reading.point: reading.value for readings in taken for reading in readings}

    assert line.values == pytest.approx({name: last[f"m.{name}"] for name in line.values})
    assert (0, 0, 0) == (line.ledger.waiting_count, line.ledger.counts.lost, line.ledger.counts.misread)
    assert line.bytes_count > 20 * 30


@pytest.mark.parametrize("kind", ["linky", "p1", "mbus"])
async def test_noise_takes_only_what_it_hit(kind):
    clock = SiteTime(BEGIN.timestamp())
    line = fed(kind, clock, noisy_pct=50.0)
    await spoken(line, clock, 1_500)
    counts = line.ledger.close()

    assert 0 == counts.lost
    assert counts.hit > 0
    assert counts.sound > 300
    assert counts.misread <= 2 + counts.hit / 64


def test_the_clock_stands_until_it_is_set():
    clock = SiteTime(BEGIN.timestamp())
    clock.ns = 1_500_000_000

    assert 1_500_000_000 == clock.now_ns()
    assert BEGIN.timestamp() * 1000 + 1500 == clock.utc_ms()
    assert BEGIN + dt.timedelta(seconds=1.5) == clock.utc()
