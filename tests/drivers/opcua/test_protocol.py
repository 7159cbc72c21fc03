"""What is found in profiles of servers, and how a record of a session is written."""

from tests.drivers.device_profile.test_lint import found

from quartier_drivers.registry import load_protocol

OPCUA = """\
[profile]
protocol = "opcua"
maker = "ACME"
model = "Substation"
source = "OPC UA interface description rev. 3, table 4"
[points.power_w]
node = "nsu=urn:a;s=Power"
low = -1000
high = 9000
"""


def test_points_of_a_server_have_ranges_a_reason_for_no_fall_back_and_nodes_of_their_own():
    order = '[points.position_pct]\nnode = "nsu=urn:a;s=Valve"\n[points.position_pct.write]\nlow = 0\nhigh = 100\non_release = 0\n'
    twice = '[points.heat_power_w]\nnode = "nsu=urn:a;s=Power"\nlow = 0\n'

    assert [] == found(OPCUA, "acme/substation")
    assert any("has no fallback" in one for one in found(OPCUA + order, "acme/substation"))
    assert [
        "am300.toml:10: points.heat_power_w: has no high: whatever the server says would be believed",
        "am300.toml:11: points.heat_power_w.node: nsu=urn:a;s=Power is read by points.power_w too; look at the node",
    ] == found(OPCUA + twice, "acme/substation")


def test_a_record_is_a_connection_whose_reader_is_told_of_the_encryption():
    capture = load_protocol("opcua").find_capture("opcua", "")

    assert ("connection", 4840) == (capture.form, capture.port)
    assert "encrypted" in capture.note
