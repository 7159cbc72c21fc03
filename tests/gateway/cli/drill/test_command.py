import pytest

from quartier import cli
from quartier.cli.drill import reference_pages


@pytest.mark.parametrize(
    ("what", "made"),
    [("page", reference_pages.render_loss_page), ("picture", reference_pages.render_link_picture)],
)
def test_the_pages_of_the_documentation_are_printed_as_they_are_committed(capsys, what, made):
    assert 0 == cli.main(["drill", "--reference", what])
    assert made() == capsys.readouterr().out


def test_without_a_daemon_nothing_is_declared(capsys, tmp_path):
    assert 69 == cli.main(["drill", "--declared", "--runtime-dir", str(tmp_path)])
    assert "no daemon answers" in capsys.readouterr().err


def test_one_kind_of_drill_must_be_named():
    with pytest.raises(SystemExit) as left:
        cli.main(["drill"])

    assert 2 == left.value.code
