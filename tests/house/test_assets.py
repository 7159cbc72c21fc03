"""The pages of assets: each makes its asset, shows a picture that is small, and says the defaults."""

import re
from pathlib import Path
from typing import Any

import pytest

from quartier.config.loading import check_site_file
from quartier.config.sections import asset_sections, operation_mode_sections

FOLDER = Path(__file__).parents[2] / "gateway/docs/assets"
INDEX = FOLDER / "README.md"
PAGES = sorted(page for page in FOLDER.glob("*.md") if page != INDEX)
BLOCK = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"!\[[^\]]+\]\(([a-z-]+\.svg)\)")
ROLE = re.compile(r'^role = "(\w+)"', re.MULTILINE)
SIZE_MAX = 40_000
PARTS = ("read", "may do", "behaves", "gateway is gone", "site file", "real response")
SECTIONS: dict[str, Any] = {
    "battery": asset_sections.BatterySection,
    "charge points": asset_sections.ChargePointSection,
    "heat pump, hot water": operation_mode_sections.HeatSection,
    "cooling": operation_mode_sections.CoolingSection,
    "geothermal substation": operation_mode_sections.SubstationSection,
    "CHP": operation_mode_sections.ChpSection,
    "street lights": operation_mode_sections.LightsSection,
    "waste collection": operation_mode_sections.WasteSection,
    "ventilation": operation_mode_sections.VentilationSection,
    "plain loads": asset_sections.LoadSection,
}


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_section_on_a_page_makes_its_asset_beside_the_house_of_the_index(page, tmp_path):
    (house,), (section,) = BLOCK.findall(_text(INDEX)), BLOCK.findall(_text(page))
    path = tmp_path / "site.toml"
    path.write_text(house + section, encoding="utf-8")

    loaded = check_site_file(path)
    assert {"grid", *ROLE.findall(section)} == {asset.role for asset in loaded.site.assets.values()}
    assert [] == list(loaded.warnings)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_tells_all_that_an_installer_asks(page):
    assert [] == [part for part in PARTS if part not in _text(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_a_picture_that_is_small(page):
    names = PICTURE.findall(_text(page))

    assert names
    assert [] == [name for name in names if (FOLDER / name).stat().st_size > SIZE_MAX]


def test_every_page_and_every_picture_is_shown():
    texts = "".join(map(_text, FOLDER.glob("*.md")))

    assert [] == [page.name for page in PAGES if f"({page.name})" not in _text(INDEX)]
    assert [] == [path.name for path in FOLDER.glob("*.svg") if f"({path.name})" not in texts]


@pytest.mark.parametrize("label", SECTIONS)
def test_the_table_says_the_tier_and_the_least_times_that_the_site_file_has(label):
    row = next(line for line in _text(INDEX).splitlines() if line.startswith(f"| [{label}]"))
    _, tier, times = (cell.strip() for cell in row.split("|")[2:5])
    fields = SECTIONS[label].model_fields
    keys = ("min_off_s", "min_on_s", "min_run_s", "min_rest_s", "start_s")

    assert (fields["tier"].default if "tier" in fields else "D") == tier
    seconds = sorted(int(found) for found in re.findall(r"(\d+) s\b", times))
    assert sorted(int(fields[key].default) for key in keys if key in fields) == seconds
