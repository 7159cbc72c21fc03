import json

from quartier.cli import main


def test_engines_says_which_and_why(capsys):
    assert 0 == main(["engines"])
    text = capsys.readouterr().out
    assert 0 == main(["engines", "--json"])
    found = json.loads(capsys.readouterr().out)

    assert text.startswith(f"{found['engine']}: {found['why']}")
    assert {"allocation", "series"} <= set(found["kernels"])
    assert all(kernel in text for kernel in found["kernels"])
