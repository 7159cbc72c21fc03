"""Each protocol's sub-package is found by its name, and given the keys it needs."""

import subprocess
import sys

import pytest

from quartier_drivers import registry
from quartier_drivers.meter.keys import MeterKeys
from quartier_drivers.meter.protocols import make_decoder
from quartier_drivers.registry import METER_PROTOCOLS

MADE = """
import sys
from quartier_drivers import registry
from quartier_drivers.modbus.wire.blocking_line import BlockingClock
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile.loading import load_profile
factory, clock = registry.load_factory("{kind}", "{kind}"), BlockingClock()
line = factory.line("bus", registry.load_section("{kind}")(kind="{kind}", port="/dev/none"), clock)
print("quartier_drivers.meter.{kind}" in sys.modules)
factory.driver(line, DeviceSpec("one", 1, {{"": "one"}}), load_profile("{profile}"), clock)
print("quartier_drivers.meter.{kind}" in sys.modules)
"""


def test_a_decoder_is_found_by_its_protocol():
    assert [] == make_decoder("tic", {}).feed(b"")
    assert 0 == make_decoder("tic", {}).counts.good_count


def test_keys_go_only_where_something_is_encrypted():
    assert [] == make_decoder("tic", {}, MeterKeys(b"0" * 16)).feed(b"")
    assert ["p1", "dlms", "mbus"] == [one for one in METER_PROTOCOLS if registry.load_protocol(one).encrypts]


def test_what_is_no_protocol_of_meters_is_refused():
    with pytest.raises(ValueError, match="'modbus' is no protocol of meters"):
        make_decoder("modbus", {})


@pytest.mark.parametrize(
    ("kind", "profile"), [("tic", "enedis/linky_standard"), ("mbus", "kamstrup/multical")]
)
def test_what_a_protocol_needs_is_there_before_its_meter_is_asked(kind, profile):
    """An import in a loop that works already held up the first cycle by 50 ms."""
    script = MADE.format(kind=kind, profile=profile)
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert not told.stderr

    assert ["False", "True"] == told.stdout.split()
