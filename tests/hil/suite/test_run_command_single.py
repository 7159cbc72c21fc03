import argparse

import pytest

from quartier_hil.suite import run_command

TEXT = 'title = "x"\nstart = 2026-06-12T18:30:00\nduration_s = 60\nrate = 20\n'


@pytest.mark.parametrize(
    ("rate", "seed", "expected"), [(None, None, (20, 1)), (5.0, None, (5, 1)), (None, 7, (20, 7))]
)
def test_rate_and_seed_are_the_scenarios_unless_asked_for(tmp_path, rate, seed, expected):
    path = tmp_path / "x.toml"
    path.write_text(TEXT)
    found = run_command.load_requested(argparse.Namespace(rate=rate, seed=seed), path)

    assert expected == (found.rate, found.seed)
