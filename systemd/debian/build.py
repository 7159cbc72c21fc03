"""Build ``quartier_<version>_<architecture>.deb`` for Debian 13 in ``dist/``.

``python systemd/debian/build.py --wheel WHEEL [--architecture arm64] [--wheelhouse FOLDER]``.  Run by the
Python that the package is for (3.13).  Third-party wheels are those of ``requirements.lock``, by hash.
With the same inputs the package is the same, byte for byte: its times are that of the last commit
(``SOURCE_DATE_EPOCH``).
"""

import argparse
import email.utils
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEBIAN = Path(__file__).resolve().parent
PLATFORMS = {"amd64": "x86_64", "arm64": "aarch64"}
LIBC_MINORS = (17, 28, 34)
EXTRAS = "opcua,gpio"
PYTHON_VERSION = "3.13"
# Folders of wheels that no gateway needs at run time.
UNNEEDED = ("bin", "tests", "test")


def main() -> int:
    """Build it; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--wheel", type=Path, required=True, help="the wheel of quartier for this architecture"
    )
    parser.add_argument("--architecture", choices=PLATFORMS, default="amd64")
    parser.add_argument("--wheelhouse", type=Path, default=ROOT / "build" / "wheelhouse")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    options = parser.parse_args()
    if sys.version_info[:2] != (3, 13):
        parser.error(
            f"run it with Python {PYTHON_VERSION}, the one of Debian 13; this is {sys.version.split()[0]}"
        )
    version = read_version()
    os.environ.setdefault("SOURCE_DATE_EPOCH", read_commit_time())
    wheelhouse = options.wheelhouse / options.architecture
    download_wheels(options.wheel, wheelhouse, PLATFORMS[options.architecture])
    source = ROOT / "build" / "deb" / options.architecture / f"quartier-{version}"
    shutil.rmtree(source.parent, ignore_errors=True)
    source.mkdir(parents=True)
    lay_out_tree(source / "tree", options.wheel, wheelhouse, PLATFORMS[options.architecture])
    lay_out_source(source, version)
    make_pages(source, version)
    set_times(source)
    subprocess.run(
        ["dpkg-buildpackage", "-b", "-us", "-uc", "-nc", "-d", f"-a{options.architecture}"],
        cwd=source,
        check=True,
        env={**os.environ, "DEB_BUILD_OPTIONS": "nostrip"},
    )
    options.dist.mkdir(parents=True, exist_ok=True)
    for path in source.parent.glob("*.deb"):
        print(shutil.copy(path, options.dist))
    return 0


def read_version() -> str:
    """Return the version that pyproject.toml states."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def read_commit_time() -> str:
    """Return the time of the last commit, in seconds since 1970."""
    words = ["git", "log", "-1", "--format=%ct"]
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def read_hashes() -> dict[str, set[str]]:
    """Return the SHA-256 of every file that requirements.lock allows, by normalised package name."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if start := re.match(r"([A-Za-z0-9_.-]+)==", line):
            name = re.sub(r"[-_.]+", "-", start[1]).lower()
        found.setdefault(name, set()).update(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
    return found


def read_pins() -> list[str]:
    """Return ``name==version`` with its marker for each package of requirements.lock."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return [line.removesuffix("\\").strip() for line in lines if re.match(r"[A-Za-z0-9_.-]+==", line)]


def list_platforms(machine: str) -> list[str]:
    """Return the ``--platform`` options of pip for the wheels that run on Debian 13."""
    names = [f"manylinux_2_{minor}_{machine}" for minor in LIBC_MINORS] + [
        f"manylinux2014_{machine}",
        f"linux_{machine}",
    ]
    return [word for name in names for word in ("--platform", name)]


def download_wheels(wheel: Path, wheelhouse: Path, machine: str) -> None:
    """Download the wheels that the gateway needs. Raises SystemExit if one is not in requirements.lock."""
    wheelhouse.mkdir(parents=True, exist_ok=True)
    constraints = wheelhouse / "constraints.txt"
    constraints.write_text("\n".join(read_pins()) + "\n", encoding="utf-8")
    words = ["download", "--quiet", "--only-binary", ":all:", "--python-version", PYTHON_VERSION]
    words += [*list_platforms(machine), "--constraint", str(constraints), "--dest", str(wheelhouse)]
    run_pip(*words, f"{wheel.resolve()}[{EXTRAS}]")
    hashes = read_hashes()
    for path in sorted(wheelhouse.glob("*.whl")):
        name = re.sub(r"[-_.]+", "-", path.name.split("-")[0]).lower()
        if name == "quartier":
            continue
        if hashlib.sha256(path.read_bytes()).hexdigest() not in hashes.get(name, set()):
            raise SystemExit(
                f"{path}: its SHA-256 is not in requirements.lock; delete it, and update the lock file"
            )


def lay_out_tree(tree: Path, wheel: Path, wheelhouse: Path, machine: str) -> None:
    """Install the wheels into ``tree`` and compile them to byte code that no time stamp invalidates."""
    words = ["install", "--quiet", "--no-index", "--no-compile", "--find-links", str(wheelhouse)]
    words += ["--only-binary", ":all:", "--python-version", PYTHON_VERSION, *list_platforms(machine)]
    run_pip(*words, "--target", str(tree), f"{wheel.resolve()}[{EXTRAS}]")
    for folder in (path for name in UNNEEDED for path in (tree / name, *tree.glob(f"*/{name}"))):
        shutil.rmtree(folder, ignore_errors=True)
    for path in tree.glob("*.dist-info/RECORD"):  # names byte code and folders that are gone
        path.unlink()
    for path in tree.glob("*.dist-info/direct_url.json"):
        path.unlink()
    for path in tree.rglob("*"):
        if path.is_file() and ".so" not in path.suffixes:
            path.chmod(0o644)
    shutil.copy(DEBIAN / "start", tree / "start")
    (tree / "start").chmod(0o755)
    words = ["-m", "compileall", "-q", "-j0", "--invalidation-mode", "unchecked-hash", "-s", str(tree)]
    subprocess.run([sys.executable, *words, "-p", "/usr/lib/quartier/current", str(tree)], check=True)


def lay_out_source(source: Path, version: str) -> None:
    """Put units, pages and ``debian/`` where debhelper expects them."""
    debian = source / "debian"
    names = [path for path in DEBIAN.iterdir() if path.name not in {"build.py", "start", "quartier.sh"}]
    debian.mkdir()
    for path in names:
        if path.is_file():
            shutil.copy(path, debian / path.name)
    (debian / "rules").chmod(0o755)
    when = email.utils.formatdate(int(os.environ["SOURCE_DATE_EPOCH"]))
    (debian / "changelog").write_text(
        f"quartier ({version}) trixie; urgency=medium\n\n  * See CHANGELOG.md of the project.\n\n"
        f" -- The Quartier developers <maintainers@quartier.example>  {when}\n",
        encoding="utf-8",
    )
    systemd = ROOT / "systemd"
    for unit in ("quartier.service", "quartier-clock.service", "quartier-notify.service"):
        text = (
            (systemd / unit)
            .read_text(encoding="utf-8")
            .replace("/opt/quartier/bin/quartier", "/usr/bin/quartier")
        )
        text = text.replace(
            "# Quartier in /opt/quartier (a virtual environment); see README.md beside this file.\n", ""
        )
        (source / unit).write_text(text, encoding="utf-8")
    for folder in ("sysusers.d", "tmpfiles.d", "modules-load.d", "udev"):
        shutil.copytree(systemd / folder, source / folder)
    shutil.copy(systemd / "README.md", source / "README.md")
    (source / "bin").mkdir()
    shutil.copy(DEBIAN / "quartier.sh", source / "bin" / "quartier")
    (source / "bin" / "quartier").chmod(0o755)


def make_pages(source: Path, version: str) -> None:
    """Make the manual page and the completions of bash and zsh from the parser of the command line."""
    paths = os.pathsep.join(str(ROOT / name) for name in ("gateway", "drivers", "native"))
    environment = {**os.environ, "PYTHONPATH": paths, "COLUMNS": "100"}
    (source / "man").mkdir()
    (source / "completions").mkdir()
    parser = ["--module", "quartier.cli.arguments.commands", "--function", "make_parser"]
    words = ["--prog", "quartier", "--project-name", "quartier", "--version", version]
    words += ["--description", "gateway in one building of an energy district", "--manual-title", "Quartier"]
    words += ["--format", "single-commands-section", "--output", str(source / "man" / "quartier.1")]
    subprocess.run(
        [str(Path(sys.executable).with_name("argparse-manpage")), *parser, *words],
        check=True,
        env=environment,
    )
    for shell, name in (("bash", "quartier"), ("zsh", "_quartier")):
        made = subprocess.run(
            [
                sys.executable,
                "-m",
                "shtab",
                f"--shell={shell}",
                "quartier.cli.arguments.commands.make_parser",
            ],
            check=True,
            env=environment,
            capture_output=True,
        )
        (source / "completions" / name).write_bytes(made.stdout)


def set_times(source: Path) -> None:
    """Give every file the time of the last commit: the time of a checkout says nothing."""
    moment_s = int(os.environ["SOURCE_DATE_EPOCH"])
    for path in [source, *source.rglob("*")]:
        os.utime(path, (moment_s, moment_s), follow_symlinks=False)


def run_pip(*words: str) -> None:
    """Run pip of this Python. Raises CalledProcessError."""
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *words], check=True)


if __name__ == "__main__":
    sys.exit(main())
