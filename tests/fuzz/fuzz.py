"""Coverage-guided fuzzing of every parser: ``python tests/fuzz/fuzz.py [--seconds 60] [NAME …]``.

As many parsers at a time as there are cores for us, each in a process of its own.  ``--keep`` adds what was
found to the kept corpus.  An input that breaks a promise is printed, written beside this file as
``NAME-crash-…`` (``timeout``, ``oom``), one that is slow as ``NAME-slow-input``, and the exit code is 1;
``--replay FILE NAME`` gives it to its parser again.  With ``--inputs`` and ``--seed`` the same code gets the
same inputs, or nearly, however fast the machine is: what passed once passes until a parser changes.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1] / name) for name in ("gateway", "drivers", "native", "hil")]
os.environ["QUARTIER_ENGINE"] = "reference"  # coverage is seen in Python only

import parsers  # noqa: E402 - it imports ours when asked, instrumented where they are fuzzed
from texts import NAMES as TEXTS  # noqa: E402 - as above

INPUT_MAX_BYTES = 2048
SLOW_S, SLOW_TEXT_S = 0.010, 0.100
# Set where this file is libFuzzer: for which parser, and by what name it can be called again.
NAME, SELF = "QUARTIER_FUZZ_NAME", "QUARTIER_FUZZ_SELF"


def main() -> int:
    if NAME in os.environ:
        return _one(os.environ[NAME])
    wanted = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    wanted.add_argument("names", nargs="*", metavar="NAME", help="parsers; none: all of them")
    wanted.add_argument("--seconds", type=int, default=60, help="how long each (default 60)")
    wanted.add_argument("--inputs", type=int, default=0, help="how many inputs each, instead of a time")
    wanted.add_argument("--seed", type=int, default=0, help="of what is tried; 0: another each time")
    wanted.add_argument("--keep", action="store_true", help="add what reached new code to the kept corpus")
    wanted.add_argument("--replay", type=Path, metavar="FILE", help="give this input to the one parser named")
    args = wanted.parse_args()
    known = parsers.parsers()
    if unknown := set(args.names) - set(known):
        print(
            f"no parser is called {', '.join(sorted(unknown))}; there are {', '.join(known)}", file=sys.stderr
        )
        return 2
    if args.replay is not None:
        return _replay(args.names, args.replay)
    return _all(args.names or list(known), args)


def _replay(names: list[str], path: Path) -> int:
    """Once, without instruments: what it raises is shown as it is."""
    if len(names) != 1:
        print("--replay wants the name of one parser behind it", file=sys.stderr)
        return 2
    data = path.read_bytes()
    began_s = time.process_time()
    parsers.parsers()[names[0]](data)
    print(
        f"{names[0]} takes these {len(data)} bytes, in {1000 * (time.process_time() - began_s):.2f} ms of CPU"
    )
    return 0


def _one(name: str) -> int:
    """Fuzz one parser in this process, which ends with it; the command line is libFuzzer's."""
    import atheris  # noqa: PLC0415 - only here: the tests of the corpus do without

    with atheris.instrument_imports(
        include=["quartier_drivers", "quartier_native", *(["quartier"] if name in TEXTS else [])]
    ):
        target = parsers.parsers()[name]
    limits = [f"-max_len={INPUT_MAX_BYTES}", "-timeout=5", "-rss_limit_mb=1024"]
    atheris.Setup([os.environ[SELF], *sys.argv[1:], *limits], target)
    atheris.Fuzz()
    return 0


def _command(work: Path, name: str, *argv: str) -> list[str]:
    """libFuzzer calls itself by one name, without arguments of ours: that is a script."""
    script = work / f"{name}.sh"
    script.write_text(
        f"#!/bin/sh\nPYTHONHASHSEED=0 {NAME}={name} {SELF}={shlex.quote(str(script))} "
        f'exec {shlex.quote(sys.executable)} {shlex.quote(__file__)} "$@"\n'
    )
    script.chmod(0o755)
    return [str(script), *argv]


def _all(names: list[str], args: argparse.Namespace) -> int:
    work = Path(tempfile.mkdtemp(prefix="fuzz-"))
    waiting, running, failed = list(names), {}, []
    while waiting or running:
        while waiting and len(running) < len(os.sched_getaffinity(0)):
            name = waiting.pop(0)
            _unpacked(name, work / f"{name}-kept")
            (work / name).mkdir()
            limit = f"-runs={args.inputs}" if args.inputs else f"-max_total_time={args.seconds}"
            prefix = f"-artifact_prefix={HERE}/{name}-"
            argv = _command(
                work,
                name,
                limit,
                f"-seed={args.seed}",
                prefix,
                "-print_final_stats=1",
                f"-seed_inputs=@{work / f'{name}-kept.list'}",
                str(work / name),
            )
            with (work / f"{name}.log").open("wb") as log:
                running[name] = subprocess.Popen(argv, stdout=log, stderr=log)
        for name in [name for name, process in running.items() if process.poll() is not None]:
            code = running.pop(name).returncode
            text = (work / f"{name}.log").read_text(errors="replace")
            print(f"{name:15} {_summary(text)}{'' if code == 0 else f'   FAILED, exit {code}'}", flush=True)
            if code:
                failed.append(name)
                print(text[-3000:], file=sys.stderr)
                for path in sorted(HERE.glob(f"{name}-*-*")):
                    _show(name, path)
        time.sleep(0.1)
    for name in names:
        if args.keep:
            _keep(name, work)
        failed += _slow(name, work / name)
    shutil.rmtree(work)
    return 1 if failed else 0


def _show(name: str, path: Path) -> None:
    """The input itself: who reads the log of a machine that is gone has no file."""
    print(f"{name}: {path.name} holds, in hex: {path.read_bytes().hex()}", file=sys.stderr)
    print(
        f"  xxd -r -p > {path.name}, then: {Path(__file__).name} --replay {path.name} {name}", file=sys.stderr
    )


def _summary(text: str) -> str:
    runs = re.search(r"number_of_executed_units: *(\d+)", text)
    rate = re.search(r"average_exec_per_sec: *(\d+)", text)
    cover = re.findall(r"cov: (\d+) ft: (\d+)", text)
    if not (runs and rate and cover):
        return "no figures"
    return f"{int(runs[1]):>9} inputs, {rate[1]:>6} a second, {cover[-1][0]} places and {cover[-1][1]} ways reached"


def _unpacked(name: str, folder: Path) -> None:
    folder.mkdir()
    paths = []
    for number, data in enumerate(parsers.kept(name)):
        paths.append(folder / str(number))
        paths[-1].write_bytes(data)
    # In an order that no file system chooses.
    folder.with_name(f"{folder.name}.list").write_text(",".join(map(str, paths)))


def _keep(name: str, work: Path) -> None:
    """Merge: the fewest inputs that reach all that any of them reaches."""
    fresh = work / f"{name}-merged"
    fresh.mkdir()
    argv = _command(work, name, "-merge=1", str(fresh), str(work / f"{name}-kept"), str(work / name))
    subprocess.run(argv, check=True, capture_output=True)
    parsers.keep(name, [path.read_bytes() for path in fresh.iterdir()])


def _slow(name: str, found: Path) -> list[str]:
    """Inputs that take longer than they may, CPU time of the uninstrumented parser, the best of five."""
    target, slowest = parsers.parsers()[name], (0.0, b"")
    slow_s = SLOW_TEXT_S if name in TEXTS else SLOW_S
    for data in [*(path.read_bytes() for path in found.iterdir()), *parsers.kept(name)]:
        times = []
        for _ in range(5):
            began_s = time.process_time()
            target(data)
            times.append(time.process_time() - began_s)
            if times[-1] < slow_s:
                break
        slowest = max(slowest, (min(times), data))
    print(f"{name:15} slowest input {1000 * slowest[0]:.2f} ms of CPU")
    if slowest[0] < slow_s:
        return []
    path = HERE / f"{name}-slow-input"
    path.write_bytes(slowest[1])
    _show(name, path)
    return [name]


if __name__ == "__main__":
    sys.exit(main())
