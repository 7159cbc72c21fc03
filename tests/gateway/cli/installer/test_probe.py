"""The command line of a probe: what it asks, and what it refuses before anything is opened."""

import asyncio
import json

import pytest
from tests.gateway.daemon.street import Street

from quartier.cli import main
from quartier.runtime import release

pytestmark = pytest.mark.daemon


@pytest.fixture
async def street(tmp_path):
    async with Street(tmp_path, rate=5.0) as made:
        yield made


async def test_it_says_what_it_will_do_and_without_an_answer_does_nothing(street):
    code, out, err = await street.probe("bat1")

    assert (1, "") == (code, out)
    assert "takes bat1 to 0 W and then steps it by 500 W" in err
    assert "with --yes you agree in advance" in err
    assert 0 == street.wiring.devices["gx"].writes_count


async def test_while_a_daemon_runs_it_refuses_with_the_next_step(street):
    (street.folder / "run").mkdir()
    with release.take_lock(street.folder / "run"):
        code, out, err = await street.probe("bat1", "--yes")

    assert (75, "") == (code, out)
    assert "systemctl stop quartier" in err
    assert 0 == street.wiring.devices["gx"].writes_count


async def test_beside_a_daemon_with_another_runtime_dir_it_refuses_too(street):
    (street.folder / "state").mkdir(exist_ok=True)
    with release.take_state_lock(street.folder / "state"):
        code, out, err = await street.probe("bat1", "--yes")

    assert (75, "") == (code, out)
    assert f"{street.folder}/state is in use" in err


@pytest.mark.parametrize(
    ("page", "why"), [("nowhere/bat1.html", "there is no folder"), (".", "is a folder, expected a file")]
)
async def test_a_page_that_cannot_be_written_is_refused_before_anything_is_stepped(street, page, why):
    code, out, err = await street.probe("bat1", "--yes", "--page", str(street.folder / page))

    assert (1, "") == (code, out)
    assert why in err
    assert 0 == street.wiring.devices["gx"].writes_count


async def test_an_asset_that_cannot_be_probed_is_refused(street):
    code, _, err = await street.probe("pv1", "--yes")

    assert 1 == code
    assert "pv1 takes no orders" in err


async def test_a_load_without_fallback_is_refused_with_the_key_that_accepts_it(street):
    text = street.config.read_text()
    lines = [line for line in text.splitlines() if not line.startswith("accept_no_fallback")]
    street.config.write_text("\n".join(lines))
    code, _, err = await street.probe("hp1", "--yes")

    assert 1 == code
    assert 'accept_no_fallback = "reason" under [assets.hp1]' in err


async def test_words_for_people_name_the_findings(street):
    street.wiring.fault("gx", "bent", factor=0.0)
    code, out, _ = await street.probe("bat1", "--yes", "--for", "60")

    assert 1 == code
    assert "bat1 did not answer" in out


async def test_json_holds_everything(street):
    _, out, _ = await street.probe("bat1", "--yes", "--json", "--step-w", "300")

    assert {"asset", "good", "sentence", "delay_s", "lag_s", "ramp_w_per_s", "findings", "changes"} <= set(
        json.loads(out)
    )


@pytest.mark.parametrize("wrong", ["0", "-5", "inf", "much"])
def test_a_step_that_is_none_is_wrong_use(wrong, capsys):
    with pytest.raises(SystemExit) as left:
        main(["probe", "bat1", "--step-w", wrong])

    assert 2 == left.value.code
    assert "expected a number above 0" in capsys.readouterr().err


async def test_a_site_file_with_faults_is_told(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text("limits = 3\n")

    assert 78 == await asyncio.to_thread(main, ["probe", "bat1", "--config", str(path), "--yes"])


async def test_a_page_that_cannot_be_written_lets_nothing_begin(street):
    code, _, err = await street.probe("bat1", "--yes", "--page", str(street.folder / "nowhere" / "bat1.html"))

    assert 1 == code
    assert f"there is no folder {street.folder / 'nowhere'}; nothing was done" in err
    assert 0 == street.wiring.devices["gx"].writes_count
