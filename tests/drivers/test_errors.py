"""Errors say where, what and what was expected."""

from quartier_drivers.errors import ConfigError, Fault, LinkLost, NoReply, QuartierError, Refused, WireError


def test_a_config_error_tells_every_fault_on_a_line_of_its_own() -> None:
    error = ConfigError([Fault("site.toml", 3, "a.b", "is missing"), Fault("site.toml", None, "c", "is odd")])

    assert "site.toml:3: a.b: is missing\nsite.toml: c: is odd" == str(error)


def test_what_happens_on_a_wire_can_be_told_from_what_is_wrong_in_a_file() -> None:
    assert all(issubclass(kind, WireError) for kind in (LinkLost, NoReply, Refused))
    assert issubclass(ConfigError, QuartierError)
    assert not issubclass(ConfigError, WireError)
