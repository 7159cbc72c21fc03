import json
import socket
import threading

import pytest

from quartier_bench.speed import daemon_runs


def test_the_desk_is_asked_for_the_status_alone(tmp_path):
    heard = []
    with socket.socket(socket.AF_UNIX) as desk:
        desk.bind(str(tmp_path / "quartier.sock"))
        desk.listen()

        def answer():
            line, _ = desk.accept()
            with line:
                heard.append(json.loads(line.recv(100)))
                line.sendall(b'{"cycles": {"count": 3}}\n')

        thread = threading.Thread(target=answer)
        thread.start()
        found = daemon_runs.read_status(tmp_path)
        thread.join()

    assert [{"ask": "status"}] == heard
    assert 3 == found["cycles"]["count"]


def test_a_daemon_that_is_gone_is_said_aloud(tmp_path):
    with pytest.raises(RuntimeError, match="does not answer at its desk"):
        daemon_runs.read_status(tmp_path)
