from dataclasses import replace

from quartier.commissioning.probe.corrections import (
    CheckedFile,
    CheckedFiles,
    CorrectionTarget,
    ProbeFinding,
    list_corrections,
    list_profile_overrides,
)

SITE = """\
[assets.bat1]
role = "battery"
device = "gx"
phase = "l1"
"""
PROFILE = """\
[points.power_w]
register = "input:1"
sign = -1

[points.setpoint_w]
register = "holding:1"
[points.setpoint_w.write]
scale = 0.1
"""
FILES = CheckedFiles(
    "bat1",
    CheckedFile("site.toml", SITE),
    {what: (CheckedFile("acme.toml", PROFILE), "") for what in ("asset", "command", "grid")},
)


def told(*targets):
    return [str(fault) for fault in list_corrections([ProbeFinding("x", "x", targets=targets)], FILES)]


def test_a_profile_of_the_package_is_named_with_how_to_override_it_once():
    files = replace(FILES, built_in={"command": "acme/hy", "grid": "acme/meter", "asset": "acme/hy"})
    found = [
        ProbeFinding("x", "x", targets=[CorrectionTarget(what, "power_w", "sign", -1.0)])
        for what in ("asset", "command")
    ]

    (told,) = list_profile_overrides(found, files)
    assert "quartier profiles show acme/hy --file > profiles/acme/hy.toml" in told
    assert 'say profiles = ["profiles"] under [site]' in told
    assert [] == list_profile_overrides(
        [ProbeFinding("x", "x", targets=[CorrectionTarget("site", "", "phase", "l2")])], files
    )


def test_a_sign_is_turned_where_it_stands():
    assert ["acme.toml:3: points.power_w.sign: -1 is set, it should be 1"] == told(
        CorrectionTarget("asset", "power_w", "sign", -1.0)
    )


def test_a_key_that_is_absent_is_told_at_its_table():
    (text,) = told(CorrectionTarget("asset", "power_w", "scale", 0.1))

    assert "acme.toml:1: points.power_w.scale: 1 (the key is absent) is set, it should be 0.1" == text


def test_a_scale_of_writing_has_the_place_of_writing():
    assert ["acme.toml:8: points.setpoint_w.write.scale: 0.1 is set, it should be 1"] == told(
        CorrectionTarget("command", "setpoint_w", "scale", 10.0)
    )


def test_a_key_of_the_site_file_is_told_with_its_line():
    assert ['site.toml:4: assets.bat1.phase: "l1" is set, it should be "l2"'] == told(
        CorrectionTarget("site", "", "phase", "l2")
    )
    assert [
        "site.toml:1: assets.bat1.phases_count: nothing (the key is absent) is set, it should be 1"
    ] == told(CorrectionTarget("site", "", "phases_count", "1"))


def test_what_stands_right_and_what_the_profile_lacks_is_not_told():
    assert [] == told(
        CorrectionTarget("site", "", "phase", "l1"), CorrectionTarget("asset", "voltage_v", "sign", -1.0)
    )
