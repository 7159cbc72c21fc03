import json
from dataclasses import replace

from quartier_hil import cli
from quartier_hil.drill import loss_causes


def test_a_loss_that_nobody_knows_is_refused_with_those_that_exist(capsys, tmp_path):
    assert 2 == cli.main(["drill", "nothing", "--report", str(tmp_path)])
    assert "grid-meter-lost" in capsys.readouterr().err


def test_what_cannot_be_made_is_skipped_with_why_and_is_no_failure(capsys, monkeypatch, tmp_path):
    one = next(making for making in loss_causes.LOSS_CAUSES if making.loss == "disk-dead")
    monkeypatch.setattr(loss_causes, "LOSS_CAUSES", (replace(one, needs=lambda: "needs root"),))

    assert 0 == cli.main(["drill", "--report", str(tmp_path)])
    (told,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ("disk-dead", "skipped") == (told["loss"], told["state"])
    assert "needs root" == told["why"]
