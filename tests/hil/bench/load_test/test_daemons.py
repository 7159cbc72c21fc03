import json
import time

from quartier_bench.load_test.daemons import DaemonGroup


class Started:
    """Starts nothing."""

    is_there = True

    def __init__(self, file, folder, _clock):
        self.site_file, self.state_dir = file, folder / "state"

    async def start(self):
        return None


async def test_each_daemon_has_a_name_a_meter_and_a_copy_of_the_history(tmp_path, monkeypatch):
    monkeypatch.setattr("quartier_bench.load_test.daemons.DaemonProcess", Started)
    monkeypatch.setattr(
        "quartier_bench.load_test.daemons.fill_history",
        lambda folder, count: (folder / "history.db").write_text("x") and count,
    )
    config = {
        "folder": str(tmp_path),
        "edges": ["d000", "d001"],
        "group": "issy",
        "servers": ["mqtts://localhost:1", "mqtts://localhost:2"],
        "files": {"issuers_file": "/keys/issuers.json", "ca_file": "/keys/ca.pem"},
        "primary": True,
        "hosts": {"d000": "host0", "d001": "host1"},
        "samples": 10,
        "origin": time.time(),
    }
    made = DaemonGroup(config)
    await made.start()
    texts = [one.site_file.read_text() for one in made.daemons.values()]

    assert [True, True] == [(one.state_dir / "history.db").exists() for one in made.daemons.values()]
    assert ['id = "d000"', 'id = "d001"'] == [
        line for text in texts for line in text.splitlines() if line.startswith("id")
    ]
    assert 'cert_file = "/keys/issy.d001.pem"' in texts[1]
    assert 'primary_host = "host1"' in texts[1]
    assert f"further_urls = {json.dumps(['mqtts://localhost:2'])}" in texts[0]
    assert {"alive": 2} == made.answer("look")
    for meter in made.meters:
        await meter.stop()
