"""A device that does not let go of an order by itself is warned of, unless the file accepts it with a reason."""

import pytest

from quartier.config.loading import check_site_file, load_site_leniently
from quartier_drivers.errors import ConfigError

FORGETS = ", fallback = { value = 1, after_s = 60 }"


@pytest.fixture
def told(written, site_text):
    """Warnings of the site where a profile was changed, and keys were added to an asset."""

    def tells(profile="relays", old=FORGETS, new="", asset="heater", keys=""):
        path = written(site_text.replace(f"[assets.{asset}]\n", f"[assets.{asset}]\n{keys}"))
        file = path.parent / "profiles" / "acme" / f"{profile}.toml"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")
        return [f"{fault.key}: {fault.what}" for fault in check_site_file(path).warnings]

    return tells


def test_a_relay_without_fallback_is_used_for_nothing_and_that_is_said(told):
    (text,) = told()

    assert text.startswith(
        "assets.heater.accept_no_fallback: is missing: acme/relays does not let go of relay_on"
    )
    assert text.endswith(
        "used for no cap and no shed; expected another device, or a reason why it may be used"
    )


def test_a_battery_without_fallback_gets_no_order_at_all(told):
    (text,) = told("hybrid", ", fallback = { value = 0, after_s = 60 }", asset="bat1")

    assert "setpoint_w by itself, so it is used for no order at all" in text


def test_a_timer_that_reading_keeps_alive_does_not_end_a_setpoint(told):
    (text,) = told("hybrid", "after_s = 60 }", 'after_s = 60, kept_by = "requests" }', asset="bat1")

    assert "reading keeps the order of acme/hybrid alive too" in text


def test_a_reason_accepts_it(told):
    assert [] == told(keys='accept_no_fallback = "left on it harms nobody, says the owner"\n')


@pytest.mark.parametrize("reason", ["", "yes", "because it is", "   a   b   c   "])
def test_a_reason_is_a_sentence(written, site_text, reason):
    path = written(
        site_text.replace("[assets.heater]\n", f'[assets.heater]\naccept_no_fallback = "{reason}"\n')
    )
    with pytest.raises(ConfigError) as raised:
        check_site_file(path)

    assert "assets.heater.accept_no_fallback" in str(raised.value)


def test_the_daemon_starts_all_the_same(written, site_text):
    assert {} == load_site_leniently(written(site_text)).disabled


def test_what_is_never_shed_needs_none(written, site_text):
    path = written(site_text.replace('tier = "C"', 'tier = "A"'))
    file = path.parent / "profiles" / "acme" / "relays.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(FORGETS, ""), encoding="utf-8")

    assert () == check_site_file(path).warnings
