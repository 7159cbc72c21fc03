import re
import tomllib
from pathlib import Path

from quartier.config.draft import FIXED, ROLES
from quartier.config.load import check
from quartier.config.model import Site
from quartier.config.sample import sample
from quartier_drivers.registry import KINDS


def test_the_sample_loads_without_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(sample(), encoding="utf-8")

    assert () == check(path).warnings


def test_the_linky_of_the_sample_is_good_without_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    marked = r"(?m)^# (?=\[buses\.tic|\[supplies\.|kind = .tic|port = .usb:DA3|device = .linky)"
    device = '[devices.linky]\nbus = "tic"\nprofile = "enedis/linky_two_modes"\n'
    path.write_text(re.sub(marked, "", sample()) + device, encoding="utf-8")

    assert ["linky"] == [supply.device for supply in check(path).site.supplies.values()]


def test_the_sample_shows_every_section_kind_and_role() -> None:
    text = sample()

    assert [] == [name for name in FIXED if f"[{name}]" not in text]
    assert [] == [kind for kind in KINDS if f'kind = "{kind}"' not in text]
    assert [] == [role for role in ROLES if f'role = "{role}"' not in text]


def test_every_commented_key_of_the_sample_is_a_line_of_toml_with_its_sentence() -> None:
    lines = [line.removeprefix("# ") for line in sample().splitlines() if re.match(r"(# )?[a-z_]+ = ", line)]

    assert [] == [line for line in lines if not tomllib.loads(line) or ("  # " not in line and "#" in line)]
    shown = {line.split(" = ")[0] for line in lines}
    assert set(Site.model_fields["limits"].annotation.model_fields) <= shown  # type: ignore[union-attr] # a model
