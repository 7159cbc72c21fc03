"""The whole street with its daemons, its district and its district's death, judged by itself."""

import json
import re

import pytest

from quartier_hil import cli


@pytest.mark.daemon
@pytest.mark.peer
def test_three_buildings_that_would_overload_their_transformer_are_led_and_keep_their_shares_when_the_district_dies(
    tmp_path, capsys
):
    # Below the usual speed: four tests at once share the processors.
    code = cli.main(["street", "--rate", "12", "--report", str(tmp_path)])
    told = re.findall(r"^ *(\d+ min) ", capsys.readouterr().out, re.MULTILINE)
    found = json.loads((tmp_path / "street.json").read_text())

    assert ([], 0) == ([verdict for verdict in found["verdicts"] if not verdict["holds"]], code)
    assert "plan" == found["district"]["source"]
    # The terminal and the page tell each event with the same time; a run at a lower rate tells all again.
    shown = re.findall(r"<td>\+(\d+ min)</td>", (tmp_path / "index.html").read_text())
    assert shown == told[-len(shown) :]
