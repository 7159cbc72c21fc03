"""The options of the rig's commands; what they come to is told by the tests of each command, and of the command line."""

from quartier_hil.cli import commands


def test_the_demonstration_shows_a_street_unless_it_is_told_not_to():
    shown, alone = (commands.make_parser().parse_args(["demo", *more]) for more in ([], ["--alone"]))

    assert (False, 30.0, "demo") == (shown.alone, shown.street_rate, str(shown.report))
    assert alone.alone
