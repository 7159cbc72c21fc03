from quartier_sim.sunspec.control_functions import ControlFunction
from quartier_sim.sunspec.register_image import RegisterImage

REST = {"WSetEna": 0, "WSet": 0, "WSetRvrt": 0, "WSetEnaRvrt": 0, "WSetRvrtTms": 60, "WSetRvrtRem": 0}


def second(**values):
    image = RegisterImage([(704, {**REST, **values})])
    reverts = {"704.WSetEna": "704.WSetEnaRvrt", "704.WSet": "704.WSetRvrt"}
    function = ControlFunction(
        image, enable="704.WSetEna", seconds="704.WSetRvrtTms", left="704.WSetRvrtRem", reverts=reverts
    )
    return image, function


def enabled(image, function, now_s=0.0):
    image.put("704.WSetEna", 1)
    function.handle_write(["704.WSetEna"], now_s)


def test_it_takes_its_reversion_value_where_its_enable_stays():
    image, function = second(WSet=3000, WSetRvrt=500, WSetEnaRvrt=1)
    enabled(image, function)

    assert not function.expire(59.0)
    assert 1 == image.get("704.WSetRvrtRem")
    assert function.expire(60.0)
    assert (1, 500, 0) == tuple(image.get(f"704.{name}") for name in ("WSetEna", "WSet", "WSetRvrtRem"))


def test_it_is_off_where_its_enable_reverts_to_off():
    image, function = second(WSet=3000, WSetRvrt=500, WSetEnaRvrt=0)
    enabled(image, function)

    assert function.expire(60.0)
    assert (0, 3000) == (image.get("704.WSetEna"), image.get("704.WSet"))


def test_a_function_of_the_first_generation_is_switched_off():
    image = RegisterImage([(123, {"WMaxLim_Ena": 1, "WMaxLimPct_RvrtTms": 30})])
    function = ControlFunction(
        image, enable="123.WMaxLim_Ena", seconds="123.WMaxLimPct_RvrtTms", feeds=("123.WMaxLimPct",)
    )
    function.handle_write(["123.WMaxLimPct"], 10.0)

    assert not function.expire(39.9)
    assert function.expire(40.0)
    assert not function.is_enabled


def test_one_that_does_not_act_counts_and_keeps():
    image = RegisterImage([(123, {"WMaxLim_Ena": 1, "WMaxLimPct_RvrtTms": 30})])
    function = ControlFunction(image, enable="123.WMaxLim_Ena", seconds="123.WMaxLimPct_RvrtTms", acts=False)
    function.handle_write(["123.WMaxLim_Ena"], 0.0)

    assert not function.expire(1e6)
    assert function.is_enabled


def test_a_loss_of_power_switches_it_off_and_stops_its_timer():
    image, function = second(WSet=3000, WSetRvrt=500, WSetEnaRvrt=1)
    enabled(image, function)
    function.off()

    assert not function.expire(1e6)
    assert 0 == image.get("704.WSetEna")
