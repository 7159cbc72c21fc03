"""An unknown name is answered with the nearest ones, never with a page of all."""

import pytest

from quartier.cli import main
from quartier.config.checks.similar_names import check_profile, suggest_names
from quartier_drivers.errors import ConfigError

MANY = [f"maker{letter}/model{number}" for letter in "abcdefgh" for number in range(4)]


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("bat2", ["bat1", "pv1"], "did you mean 'bat1'?"),
        ("GRID", ["grid", "pv1"], "did you mean 'grid'?"),
        ("ev1.currant_max", ["ev1.current_max_a", "ev1.power_w"], "did you mean 'ev1.current_max_a'?"),
        ("evv1", ["ev1.power_w", "grid.power_w"], "did you mean 'ev1.power_w'?"),
        ("gird.", ["grid.power_w", "pv1.power_w"], "did you mean 'grid.power_w'?"),
        ("soc", ["bat1.soc_pct", "bat2.soc_pct"], "did you mean 'bat1.soc_pct' or 'bat2.soc_pct'?"),
        ("nosuch", ["a", "b"], "expected one of a, b"),
        ("nosuch", MANY, "there are 32, see 'x'"),
        ("makera/other", MANY, "did you mean 'makera/model0', 'makera/model1' or 'makera/model2'?"),
        ("x", [], "there is none"),
    ],
)
def test_the_nearest_names_or_how_to_list_all(name, known, said):
    found = suggest_names(name, known, "x")

    if said.count("'") > 2:
        assert set(said.split("'")[1::2]) <= set(known)
        assert found.count("'") == said.count("'")
    else:
        assert said == found


def test_an_unknown_profile_is_a_short_answer_everywhere(tmp_path, capsys):
    with pytest.raises(ConfigError, match="did you mean 'eastron/sdm630'"):
        check_profile("sdm630")
    for words in (
        ("profiles", "show", "nosuch"),
        ("profiles", "lint", "nosuch"),
        ("read", "nosuch", "tcp://127.0.0.1"),
        ("decode", "sml", "--profile", "nosuch"),
    ):
        assert main(list(words))
        said = "".join(capsys.readouterr())
        assert "see 'quartier profiles list'" in said, words
        assert len(said) < 300
    site = tmp_path / "site.toml"
    site.write_text('devices.x = { bus = "lan", profile = "nosuch" }\n')
    assert 78 == main(["check", str(site)])
    assert "'nosuch' is unknown; there are" in "".join(capsys.readouterr())
