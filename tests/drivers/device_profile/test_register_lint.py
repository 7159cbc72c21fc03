"""Registers without a sign, and registers that cut into each other, are found."""

import sys

from tests.drivers.device_profile.test_lint import HEAD, POWER, SILENCE, found

from quartier_drivers.device_profile import loading, register_lint


def test_bits_sums_and_the_same_register_of_another_unit_do_not_cut_into_each_other():
    others = """
[points.fault_on]
register = "holding:11"
bit = 3
[points.x_power_sum_w]
register = "holding:10"
type = "int32"
sum_of = 3
low = -30000
high = 30000
[points.power_l1_w]
register = "holding:11"
type = "int32"
unit = 100
low = -10000
high = 10000
"""

    assert [] == found(HEAD + POWER + others)


def test_a_register_without_sign_tells_no_export():
    text = HEAD + SILENCE + POWER.replace("int32", "uint32")

    (line,) = found(text)
    assert "points.power_w.type: uint32 has no sign, but low is -10000: export would read as import" in line
    assert [] == found(text.replace("low = -10000", "low = 0"))


def test_the_work_of_overlaps_grows_with_the_number_of_points_not_with_its_square():
    def calls(count):
        points = (
            f'[points.p{at}_w]\nregister = "input:{2 * at}"\ntype = "int32"\nlow = 0\nhigh = 1\n'
            for at in range(count)
        )
        made_profile = loading.parse_profile(HEAD + "".join(points), "acme/am300", "am300.toml")
        made = 0

        def counted(_frame, event, _argument):
            nonlocal made
            made += event == "call"

        sys.setprofile(counted)
        try:
            assert [] == list(register_lint._check_overlaps(made_profile))
        finally:
            sys.setprofile(None)
        return made

    assert calls(400) < 5 * calls(100)


def test_a_point_is_told_once_however_many_it_cuts_into():
    text = HEAD + "".join(
        f'[points.{name}]\nregister = "input:{at}"\ntype = "int32"\nlow = 0\nhigh = 9000\n'
        for name, at in (("power_w", 10), ("power_l1_w", 12), ("power_l2_w", 11))
    )
    (said,) = [one for one in found(text) if "cuts into" in one]
    assert "points.power_l2_w.register: input:11 of 2 registers cuts into power_w (input:10 of 2)" in said
