"""Nothing of the machine it was written on is in the repository, and the wheel holds what it needs."""

import re
import tomllib
from pathlib import Path

# Put together so that this file does not find itself.
_FOLDERS = ("wo" + "rk/", "ho" + r"me/\w+/", "ro" + r"ot/\w", "opt/wh" + "eels")
MACHINE = re.compile(rf"(?<![\w.])/(?:{'|'.join(_FOLDERS)})")
_HOSTS = ("index" + "-url", "artif" + "actory", "jf" + "rog", "nex" + r"us\.", "(?:pypi|npm)-" + "proxy")
REGISTRY = re.compile("|".join(_HOSTS))
SECRET = re.compile("-----BEGIN (?:[A-Z]+ )?PRIVATE " + "KEY-----")
SIZE_MAX_BYTES = 1_000_000
ROOTS = ("gateway", "drivers", "native", "hil")


def _places(pattern: re.Pattern[str], texts: dict[Path, str]) -> list[str]:
    return [
        f"{path}:{number}: {match[0]}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if (match := pattern.search(line))
    ]


def test_no_path_of_a_machine_is_in_any_file(texts: dict[Path, str]) -> None:
    assert not (found := _places(MACHINE, texts)), "\n".join(found)


def test_no_registry_is_named_in_any_file(texts: dict[Path, str]) -> None:
    assert not (found := _places(REGISTRY, texts)), "\n".join(found)


def test_no_private_key_is_in_any_file(texts: dict[Path, str]) -> None:
    assert not (found := _places(SECRET, texts)), "\n".join(found)


def test_nothing_built_or_huge_is_tracked(root: Path, files: list[Path]) -> None:
    built = {".so", ".o", ".pyc", ".whl", ".db", ".log"}

    assert not (
        found := [str(path) for path in files if path.suffix in built or "node_modules" in path.parts]
    ), "\n".join(found)
    assert not (found := [str(path) for path in files if (root / path).stat().st_size > SIZE_MAX_BYTES]), (
        "\n".join(found)
    )


def test_every_file_beside_the_code_is_package_data(root: Path, files: list[Path]) -> None:
    """Else the wheels silently lack it (.toml, .proto …); the sources of kernels are in the sdist alone."""
    patterns: dict[str, list[str]] = {}
    for name in ("pyproject.toml", "hil/pyproject.toml"):
        project = tomllib.loads((root / name).read_text(encoding="utf-8"))
        patterns |= project["tool"]["setuptools"]["package-data"]
    packed: set[Path] = set()
    for folder in ROOTS:
        for package, globs in patterns.items():
            base = root / folder / package
            packed |= {path.relative_to(root) for glob in globs for path in base.glob(glob)}
    beside = [
        path
        for path in files
        if path.parts[0] in ROOTS
        and path.parts[1].startswith("quartier")
        and path.suffix not in {".py", ".md", ".pyx", ".pxd", ".h"}
        and not path.name.endswith("_pb2.pyi")  # for our own type checker
    ]

    assert not (found := [str(path) for path in beside if path not in packed]), "\n".join(found)
    assert not (
        found := [folder for folder in ROOTS if not list((root / folder).glob("quartier*/py.typed"))]
    ), "\n".join(found)


def test_every_package_has_its_init(files: list[Path]) -> None:
    """A folder with code and no ``__init__.py`` is left out of the wheel."""
    folders = {
        path.parent
        for path in files
        if path.parts[0] in ROOTS and path.parts[1].startswith("quartier") and path.suffix in {".py", ".pyx"}
    }

    assert not (found := [str(folder) for folder in folders if folder / "__init__.py" not in files]), (
        "\n".join(found)
    )
