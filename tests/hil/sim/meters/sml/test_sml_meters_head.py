import datetime as dt

from quartier_sim.meters.sml.encoding import MakerDeviations
from quartier_sim.meters.sml.sml_meters import OpticalHead

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def _told(head):
    return {said.label: said for said in head.telegram().statements}


def test_three_phases_are_shown():
    head = OpticalHead()
    head.tell({"power_w": -900.0, "voltage_l2_v": 231.2, "energy_import_wh": 12.3, "frequency_hz": 50.0}, NOW)

    told = _told(head)
    assert (-900, -300, 231.2, 12.3, 50.0) == tuple(
        told[label].value for label in ("1-0:16.7.0", "1-0:56.7.0", "1-0:52.7.0", "1-0:1.8.0", "1-0:14.7.0")
    )


def test_without_a_sign_the_status_word_tells_the_direction():
    head = OpticalHead(phases=1, unsigned_power=True)
    for power_w, bit in ((500.0, 0), (-500.0, 0x20)):
        head.tell({"power_w": power_w}, NOW)
        told = _told(head)
        assert bit == int(told["1-0:1.8.0"].more["status"]) & 0x20
        assert power_w == told["1-0:16.7.0"].value
    assert "1-0:36.7.0" not in told


def test_each_file_has_its_own_number_and_the_habit_of_its_maker():
    head = OpticalHead()
    other = OpticalHead(habit=MakerDeviations(kermit=True))

    assert head.telegram().data != head.telegram().data
    assert OpticalHead().telegram().data != other.telegram().data
    assert 9600 == head.baud
