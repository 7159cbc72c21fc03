"""What Quartier asks of GPIO."""

from quartier_drivers.protocol import Protocol

PROTOCOLS = {
    "gpio": Protocol(
        name="gpio",
        title="GPIO",
        factory="quartier_drivers.gpio.driver:FACTORY",
        endpoint_keys=("chip",),
        profile_check="quartier_drivers.gpio.profile:GpioProfileCheck",
        lint="quartier_drivers.device_profile.register_lint:find_findings",
        vectors="quartier_drivers.register_codec:decode_vector",
        unplanned="its inputs tell by themselves: nothing to plan",
        examples={"header": {"kind": "gpio", "chip": "/dev/gpiochip0"}},
    )
}
