import pytest
from tests.drivers.bacnet.carried import Wire

from quartier_drivers.bacnet.address import DevicePlace
from quartier_drivers.bacnet.codec.device_errors import DeviceRefused
from quartier_drivers.bacnet.network.property_reads import PropertyInquiry
from quartier_drivers.errors import NoReply
from quartier_native.bacnet import Ref
from quartier_sim.bacnet.building_controllers import RoomController, VentilationUnit
from quartier_sim.bacnet.services import Capabilities

HERE = DevicePlace(("127.0.0.1", 47808))
PV, NAME, LIST, STATES, ARRAY = 85, 77, 76, 110, 87


def room(**habits):
    return RoomController(301, sensors_count=20, habits=Capabilities(**habits))


def temperatures(number):
    return [Ref(0, instance, PV) for instance in range(2, 2 + number)]


def values(told):
    return [one[0].value for one in told.values()]


async def test_properties_come_in_few_requests_where_there_is_room():
    line = Wire(room())
    told = await PropertyInquiry(line, HERE, 1476).read(temperatures(20))

    assert pytest.approx([24.0 + 0.1 * place for place in range(20)]) == values(told)
    assert 1 == len(line.sizes)


@pytest.mark.parametrize(("apdu_max", "requests"), [(206, 3), (50, 20)])
async def test_a_small_device_is_asked_for_as_much_as_it_can_say(apdu_max, requests):
    line = Wire(room(apdu_max=apdu_max))
    told = await PropertyInquiry(line, HERE, apdu_max).read(temperatures(20))

    assert pytest.approx([24.0 + 0.1 * place for place in range(20)]) == values(told)
    assert len(line.sizes) <= requests
    assert max(line.sizes) <= apdu_max


async def test_one_that_takes_less_than_it_said_is_asked_in_halves():
    line = Wire(room(apdu_max=128))
    told = await PropertyInquiry(line, HERE, 1476).read(temperatures(20))

    assert pytest.approx([24.0 + 0.1 * place for place in range(20)]) == values(told)


async def test_one_that_refuses_several_properties_is_asked_one_by_one():
    line = Wire(room(reads_multiple=False))
    inquiry = PropertyInquiry(line, HERE, 1476)
    told = await inquiry.read(temperatures(5))

    assert pytest.approx([24.0, 24.1, 24.2, 24.3, 24.4]) == values(told)
    assert not inquiry.multiple
    assert 6 == len(line.sizes)


async def test_an_array_too_long_for_one_answer_is_put_together_by_its_elements():
    line = Wire(VentilationUnit(201, habits=Capabilities(apdu_max=50)))
    states = Ref(19, 1, STATES)
    told = await PropertyInquiry(line, HERE, 50).read([states])

    assert ["off", "reduced", "normal", "boost"] == [one.value for one in told[states]]


async def test_what_is_not_there_says_why_and_the_rest_is_told():
    told = await PropertyInquiry(Wire(room()), HERE, 1476).read(
        [Ref(0, 1, PV), Ref(0, 99, PV), Ref(0, 1, STATES)]
    )

    assert 0.0 == told[Ref(0, 1, PV)][0].value
    assert ["unknown-object (object)", "unknown-property (property)"] == [
        str(told[ref]) for ref in (Ref(0, 99, PV), Ref(0, 1, STATES))
    ]


async def test_a_list_of_objects_is_read_index_by_index():
    for habits in (
        Capabilities(apdu_max=50),
        Capabilities(apdu_max=50, reads_multiple=False),
        Capabilities(),
    ):
        device = RoomController(301, sensors_count=20, habits=habits)
        said = await PropertyInquiry(Wire(device), HERE, habits.apdu_max).array(Ref(8, 301, LIST))

        assert list(device.things) == [tuple(one[0].value) for one in said]


async def test_a_list_of_1000_objects_comes_in_answers_of_one_message_each():
    line = Wire(RoomController(301, sensors_count=996))
    said = await PropertyInquiry(line, HERE, 1476).array(Ref(8, 301, LIST))

    assert 1000 == len({one[0].value for one in said})
    assert (True, True) == (max(line.sizes) <= 1476, len(line.sizes) <= 15)


async def test_what_has_no_length_is_no_array():
    with pytest.raises(DeviceRefused, match="property-is-not-an-array"):
        await PropertyInquiry(Wire(room()), HERE, 1476).array(Ref(0, 1, NAME))


async def test_a_long_request_that_is_lost_is_tried_in_halves_and_silence_is_silence():
    line = Wire(room(), deaf_bytes=120)
    told = await PropertyInquiry(line, HERE, 1476).read(temperatures(12))
    assert 12 == len(told)

    device = room()
    device.fault("silent")
    with pytest.raises(NoReply, match="silent"):
        await PropertyInquiry(Wire(device), HERE, 1476).read(temperatures(12))
