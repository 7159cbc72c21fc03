import re
import tomllib
from pathlib import Path

from quartier.config.checks.site_draft import ASSET_SECTIONS, FIXED_SECTIONS
from quartier.config.loading import check_site_file
from quartier.config.sample import render_sample
from quartier.config.sections.site_file import SiteFile
from quartier_drivers.registry import BUS_KINDS


def test_the_sample_loads_without_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(render_sample(), encoding="utf-8")

    assert () == check_site_file(path).warnings


def test_the_linky_of_the_sample_is_good_without_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    marked = r"(?m)^# (?=\[buses\.tic|\[supplies\.|kind = .tic|port = .usb:DA3|device = .linky)"
    device = '[devices.linky]\nbus = "tic"\nprofile = "enedis/linky_two_modes"\n'
    path.write_text(re.sub(marked, "", render_sample()) + device, encoding="utf-8")

    assert ["linky"] == [supply.device for supply in check_site_file(path).site.supplies.values()]


def test_the_sample_shows_every_section_kind_and_role() -> None:
    text = render_sample()

    assert [] == [name for name in FIXED_SECTIONS if f"[{name}]" not in text]
    assert [] == [kind for kind in BUS_KINDS if f'kind = "{kind}"' not in text]
    assert [] == [role for role in ASSET_SECTIONS if f'role = "{role}"' not in text]


def test_every_commented_key_of_the_sample_is_a_line_of_toml_with_its_sentence() -> None:
    lines = [
        line.removeprefix("# ") for line in render_sample().splitlines() if re.match(r"(# )?[a-z_]+ = ", line)
    ]

    assert [] == [line for line in lines if not tomllib.loads(line) or ("  # " not in line and "#" in line)]
    shown = {line.split(" = ")[0] for line in lines}
    assert set(SiteFile.model_fields["limits"].annotation.model_fields) <= shown  # type: ignore[union-attr] # a model
