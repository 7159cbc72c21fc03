"""Whole daemons of a storm, each with meters that count and a history that waits.

``python -m quartier_bench.load_test.daemons CONFIG.json``.  Orders are lines on stdin, each answered by
one of
JSON: ``look``, ``kept UNTIL_MS`` (ranges of what each history holds by then), ``quit``.
"""

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from quartier_bench.speed.history_speed import fill_history
from quartier_bench.torture import counting_site, sample_audit
from quartier_bench.torture.counting_site import CountingMeter
from quartier_district.gateway_session import SequenceRanges
from quartier_hil.processes.daemon_process import DaemonProcess
from quartier_sim.site_clock import RigClock

POINTS, PERIOD_S = 7, 10.0


class DaemonGroup:
    """All of this process.  ``edges`` are their names; each keeps ``samples`` of a past."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.folder = Path(config["folder"])
        self.clock = RigClock(float(config["origin"]))
        self.meters: list[CountingMeter] = []
        self.daemons: dict[str, DaemonProcess] = {}

    async def start(self) -> None:
        """Make the history once, and start every daemon with a copy."""
        template = self.folder / "template"
        template.mkdir(parents=True)
        self.filled = await asyncio.to_thread(fill_history, template, int(self.config["samples"]))
        for edge in self.config["edges"]:
            meter = CountingMeter(POINTS)
            await meter.start()
            self.meters.append(meter)
            folder = self.folder / edge
            shutil.copytree(template, folder / "state")
            files = {name: Path(path) for name, path in self.config["files"].items()}
            if "ca_file" in files:
                name = f"{self.config['group']}.{edge}"
                files["cert_file"] = files["ca_file"].with_name(f"{name}.pem")
                files["key_file"] = files["ca_file"].with_name(f"{name}.key")
            url, *further = self.config["servers"]
            link = counting_site.DistrictLink(url=url, files=tuple(files.items()))
            file = counting_site.write_site(folder, [meter.port], POINTS, link, period_s=PERIOD_S)
            text = file.read_text().replace(f'id = "{counting_site.EDGE}"', f'id = "{edge}"')
            more = f"further_urls = {json.dumps(further)}\n" if further else ""
            if self.config["primary"]:
                more += f'primary_host = "{self.config["hosts"][edge]}"\n'
            file.write_text(text.replace("[district_link]\n", f"[district_link]\n{more}"))
            daemon = self.daemons[edge] = DaemonProcess(file, folder, self.clock)
            await daemon.start()

    async def run(self) -> None:
        """Until ``quit``."""
        await self.start()
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        print(json.dumps({"filled": self.filled}), flush=True)  # noqa: T201 - it is ready
        while (line := await reader.readline()) and (order := line.decode().strip()) != "quit":
            print(json.dumps(self.answer(*order.split())), flush=True)  # noqa: T201 - the answer
        for daemon in self.daemons.values():
            await daemon.stop()
        for meter in self.meters:
            await meter.stop()

    def answer(self, order: str, until_ms: str = "0") -> dict[str, Any]:
        """One order's answer."""
        if order == "kept":
            return {edge: self._kept(one, int(until_ms)) for edge, one in self.daemons.items()}
        return {"alive": sum(one.is_there for one in self.daemons.values())}

    @staticmethod
    def _kept(daemon: DaemonProcess, until_ms: int) -> dict[str, list[tuple[int, int]]]:
        found: dict[str, SequenceRanges] = {}
        for sample in sample_audit.read_history(daemon.state_dir, daemon.runtime_dir):
            if sample.stream != "event" and sample.taken_utc_ms <= until_ms:
                found.setdefault(f"{sample.stream}/{sample.boot}", SequenceRanges()).add(sample.seq, 1)
        return {name: ranges.spans for name, ranges in found.items()}


if __name__ == "__main__":
    asyncio.run(DaemonGroup(json.loads(Path(sys.argv[1]).read_text("utf-8"))).run())
