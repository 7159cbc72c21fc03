import argparse

from quartier.cli.arguments import commissioning


def test_a_probe_asks_first_unless_told_otherwise():
    parser = argparse.ArgumentParser()
    commissioning.add_probe_parser(parser.add_subparsers())

    asked = parser.parse_args(["probe", "bat1"])
    agreed = parser.parse_args(["probe", "bat1", "--yes", "--step-w", "300", "--for", "90"])

    assert (False, None, None) == (asked.yes, asked.step_w, asked.seconds)
    assert (True, 300.0, 90.0) == (agreed.yes, agreed.step_w, agreed.seconds)
