import pytest

from quartier_sim.sunspec.sunspec_device import HABITS, SunSpecDevice

CAP = {"WMaxLimPct": 100, "WMaxLimPct_RvrtTms": 0, "WMaxLim_Ena": 0, "WMaxLimPct_SF": 0, "Conn": 1}
MODELS = [(1, {"Mn": "Maker", "DA": 1}), (121, {"WMax": 5000, "WMax_SF": 0}), (123, CAP)]
SWITCH = ("123.WMaxLim_Ena", "123.WMaxLimPct_RvrtTms")


def ask(device, text):
    return device.answer(1, bytes.fromhex(text)).pdu


def write(device, path, *words):
    data = b"".join(word.to_bytes(2, "big") for word in words)
    place = device.image.cells[path].address
    head = bytes([16]) + place.to_bytes(2, "big") + len(words).to_bytes(2, "big") + bytes([len(data)])
    return device.answer(1, head + data).pdu


def test_what_is_written_stands_there():
    device = SunSpecDevice(MODELS)

    assert 16 == write(device, "123.WMaxLimPct", 60)[0]
    assert 60 == device.image.get("123.WMaxLimPct")


def test_several_points_come_in_one_write():
    device = SunSpecDevice([*MODELS, (704, {"WSet": 0, "WSetRvrt": 0})])
    write(device, "704.WSet", 0xFFFF, 0xFC18, 0, 500)

    assert (-1000, 500) == (device.image.get("704.WSet"), device.image.get("704.WSetRvrt"))


@pytest.mark.parametrize(
    ("path", "words", "code"),
    [
        ("123.WMaxLimPct_SF", [0], 2),  # read only
        ("123.WMaxLimPct_WinTms", [0], 2),  # not implemented here
        ("123.WMaxLim_Ena", [7], 3),  # no code of this enumeration
        ("123.WMaxLimPct", [0xFFFF], 3),  # the code for not implemented
        ("123.WMaxLimPct", [50, 0], 2),  # and a point behind it that is not there
    ],
)
def test_what_cannot_be_written_is_refused_whole(path, words, code):
    device = SunSpecDevice(MODELS)

    assert bytes([0x90, code]) == write(device, path, *words)
    assert 100 == device.image.get("123.WMaxLimPct")


def test_half_of_a_number_is_refused():
    device = SunSpecDevice([*MODELS, (704, {"WSet": 0})])

    assert bytes([0x90, 3]) == write(device, "704.WSet", 0)


def test_a_read_beyond_the_chain_is_refused():
    device = SunSpecDevice(MODELS)
    end = max(device.image.words)

    assert bytes([3, 4]) == ask(device, f"03 {end - 1:04X} 0002")[:2]
    assert bytes([0x83, 2]) == ask(device, f"03 {end:04X} 0002")


def test_a_timer_of_a_function_counts_in_the_devices_own_clock():
    device = SunSpecDevice(MODELS)
    function = device.function(*SWITCH, feeds=("123.WMaxLimPct",))
    device.tick(100.0)
    write(device, "123.WMaxLimPct_RvrtTms", 60)
    write(device, "123.WMaxLim_Ena", 1)

    device.tick(159.0)
    assert function.is_enabled
    device.tick(160.0)
    assert not function.is_enabled


def test_a_timer_that_is_lost_reads_zero_and_never_acts():
    device = SunSpecDevice(MODELS, habits=["timer-lost"])
    function = device.function(*SWITCH)
    write(device, "123.WMaxLimPct_RvrtTms", 60)
    write(device, "123.WMaxLim_Ena", 1)

    device.tick(1e6)
    assert (0, True) == (device.image.get("123.WMaxLimPct_RvrtTms"), function.is_enabled)


def test_a_timer_that_is_ignored_reads_as_written_and_never_acts():
    device = SunSpecDevice(MODELS, habits=["timer-ignored"])
    function = device.function(*SWITCH)
    write(device, "123.WMaxLimPct_RvrtTms", 60)
    write(device, "123.WMaxLim_Ena", 1)

    device.tick(1e6)
    assert (60, True) == (device.image.get("123.WMaxLimPct_RvrtTms"), function.is_enabled)


@pytest.mark.parametrize(("habits", "stands"), [([], False), (["timer-fed-by-polls"], True)])
def test_polls_feed_a_timer_only_where_that_is_the_habit(habits, stands):
    device = SunSpecDevice(MODELS, habits=habits)
    function = device.function(*SWITCH)
    write(device, "123.WMaxLimPct_RvrtTms", 60)
    write(device, "123.WMaxLim_Ena", 1)
    device.tick(50.0)
    ask(device, "03 9C40 0004")

    device.tick(100.0)
    assert stands == function.is_enabled


def test_writes_that_are_discarded_are_answered_all_the_same():
    device = SunSpecDevice(MODELS, habits=["discards-writes"])

    assert 16 == write(device, "123.WMaxLimPct", 60)[0]
    assert 100 == device.image.get("123.WMaxLimPct")


def test_the_maps_habits_move_cut_and_stretch_it():
    def chain(*habits):
        return SunSpecDevice(MODELS, habits=habits).image

    assert 0 == chain("base-0").base
    assert 50_000 == chain("base-50000").base
    assert 65 == chain("short-common").get("1.L")
    assert 64_999 == chain("stranger").models[1][0]
    assert 34 == chain("longer-models").get("121.L")
    assert max(chain().words) - 2 == max(chain("no-end").words)
    assert 0xFFFF == chain("end-without-length").words[max(chain("end-without-length").words)]
    assert chain("no-scale").get("121.WMax_SF") is None


def test_long_reads_are_refused_where_that_is_the_habit():
    device = SunSpecDevice(MODELS, habits=["short-reads=20"])

    assert 3 == ask(device, "03 9C40 0014")[0]
    assert bytes([0x83, 3]) == ask(device, "03 9C40 0015")


def test_without_power_every_function_is_off():
    device = SunSpecDevice(MODELS)
    function = device.function(*SWITCH)
    write(device, "123.WMaxLim_Ena", 1)
    device.fault("off")
    device.clear()

    assert not function.is_enabled


def test_every_habit_can_be_had():
    for name in HABITS:
        assert SunSpecDevice(MODELS, habits=[name]).image.words
