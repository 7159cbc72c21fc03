import socket
import sys
from pathlib import Path

from quartier_bench.measured_process import Process
from quartier_bench.peers import bacnet_device
from quartier_drivers.bacnet.codec.answers import PreparedRead, Ref, hear
from quartier_native.bacnet import BITS, CHARACTERS, DENIED, ENUMERATED, REAL


def taken(read):
    before, behind = bacnet_device.split_datagram(read.request.datagram(5)[9:])
    data = before + b"\5" + behind
    return read.take(data, hear(data))


def test_several_properties_are_told_in_one_answer():
    refs = [Ref(0, 1, 85), Ref(0, 1, 111), Ref(0, 1, 117), Ref(0, 2, 85), Ref(8, 7, 77), Ref(8, 7, 28)]
    told = taken(PreparedRead(refs))

    assert bytes([REAL, BITS, ENUMERATED, REAL, CHARACTERS, DENIED]) == told.kinds
    assert [20.125, 20.25] == [told.values[0], told.values[3]]


def test_a_device_tells_its_instance_to_who_does_not_know_it():
    told = taken(PreparedRead([Ref(8, 4194303, 75)]))

    assert (8, bacnet_device.INSTANCE) == told.elements(0)[0].value


def test_it_answers_on_its_socket(tmp_path):
    argv = [sys.executable, str(Path(bacnet_device.__file__)), "0"]
    with (
        Process(argv, tmp_path / "log", talks=True) as device,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
    ):
        one.settimeout(60.0)
        one.connect(("127.0.0.1", int(device.line().rpartition(" ")[2])))
        read = PreparedRead([Ref(0, 8, 85)])
        one.send(read.request.datagram(9))
        data = one.recv(2048)

    assert [21.0] == read.take(data, hear(data)).values.tolist()
