import datetime as dt
import re
from random import Random

import pytest

from quartier_sim.meters.p1.national_telegrams import VERSIONS, build_v2, build_v3, build_v4, build_v5
from quartier_sim.meters.p1.p1_meters import generate_household
from quartier_sim.meters.p1.telegrams import ChildMeter, Household

NOW = dt.datetime(2009, 2, 12, 15, 0, tzinfo=dt.UTC)
GAS = ChildMeter(channel=1, kind=3, serial="2222ABCD123456789", moment=NOW, value=1.001)
HOUSE = Household(moment=NOW, serial="K8EG004046395507", children=(GAS,), import_kw=(1.19,))


def test_version_3_puts_the_gas_on_a_second_line():
    text = build_v3(HOUSE).data.decode()

    assert "0-1:24.3.0(090212160000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n(00001.001)\r\n" in text
    assert "1-0:1.7.0(001.19*kW)\r\n" in text
    assert text.endswith("!\r\n")
    assert "1-3:0.2.8" not in text
    assert "0-1:24.2.0" in build_v2(HOUSE).data.decode()


def test_from_version_4_on_the_gas_has_one_line_and_the_telegram_a_time():
    for version, make in (("42", build_v4), ("50", build_v5)):
        text = make(HOUSE).data.decode()
        assert f"1-3:0.2.8({version})\r\n0-0:1.0.0(090212160000W)\r\n" in text
        assert "0-1:24.2.1(090212160000W)(00001.001*m3)\r\n" in text
    assert "1-0:32.7.0(230.0*V)" in build_v5(HOUSE).data.decode()
    assert "32.7.0" not in build_v4(HOUSE).data.decode()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_statement_stands_in_the_text(version):
    random = Random(5)
    for _ in range(50):
        telegram = VERSIONS[version](generate_household(random), "none")
        for said in telegram.numbers:
            line = re.search(
                rf"^{re.escape(said.label)}\(.*(?:\n\(.*)?", telegram.data.decode(), re.MULTILINE
            )
            assert line is not None
            assert f"{said.value:.3f}".rstrip("0").rstrip(".").lstrip("0") in line[0]
