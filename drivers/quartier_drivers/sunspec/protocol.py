"""What Quartier asks of SunSpec, which is spoken on buses of Modbus."""

from quartier_drivers.protocol import Protocol

PROTOCOLS = {
    "sunspec": Protocol(
        name="sunspec",
        title="SunSpec",
        factory="quartier_drivers.sunspec.factory:FACTORY",
        profile_check="quartier_drivers.sunspec.profile:SunspecProfileCheck",
        is_polled=True,
        matches="quartier_drivers.sunspec.reader:find_matches",
        reader="quartier_drivers.sunspec.device_listing:read_profile",
        listing="quartier_drivers.sunspec.device_listing:list_device",
    )
}
