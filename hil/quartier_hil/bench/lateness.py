"""Measure the lateness of cycles with 20 devices, one silent, against Python's default collector."""

import time
from contextlib import ExitStack

from quartier_hil.bench import contest, site
from quartier_hil.bench.figure import Figure, against, alone
from quartier_hil.bench.setting import Setting

_DEVICES, _REGISTERS, _SILENT = 20, 100, 7
_RUN_S, _RUN_SHORT_S = 600.0, 20.0
_STEP_S = 30.0
# The same program on the same heap, and Python collects when it likes.
_DEFAULT = "import gc\ngc.freeze = gc.disable = lambda: None\ngc.collect = lambda *_: 0"


def figures(setting: Setting) -> list[Figure]:
    """Both daemons at once for ten minutes, short: 20 s.  Raises AbsentError."""
    run_s = _RUN_SHORT_S if setting.short else _RUN_S
    with ExitStack() as stack:
        runtime = {}
        for name, before in (("ours", ""), ("default", _DEFAULT)):
            arena = stack.enter_context(
                contest.arena(setting.cache, setting.scratch(name), _DEVICES, _REGISTERS)
            )
            arena.server.ask(f"mute {_SILENT}")
            folder, task = setting.scratch(f"{name}-daemon"), arena.task
            file = site.write(folder, task.ports, task.registers, broker_port=task.broker_port)
            stack.enter_context(contest.daemon(folder, file, before=before))
            runtime[name] = folder / "runtime"
        until_s = time.monotonic() + run_s
        while (left_s := until_s - time.monotonic()) > 0:
            setting.say(f"lateness, {left_s:.0f} s left")
            time.sleep(min(left_s, _STEP_S))
        cycles = {name: contest.status(place)["cycles"] for name, place in runtime.items()}
    mine, theirs = cycles["ours"], cycles["default"]
    lasted = f"{run_s:.0f} s" if setting.short else f"{run_s / 60:.0f} min"
    what = f"cycles of 1 s in {lasted}, one of {_DEVICES} devices silent"
    return [
        alone("lateness.p999", f"p99.9 of {what}", [1000 * mine["late_p999_s"]], "ms", 5.0),
        alone("lateness.skipped", f"skipped {what}", [float(mine["skipped_count"])], "cycles", 0.0),
        against(
            "lateness.latest",
            f"latest of {what}",
            [1000 * mine["late_max_s"]],
            [max(1000 * theirs["late_max_s"], 0.1)],
            "ms",
            None,
            peer_name="the default collector",
        ),
    ]
