from quartier.config.checks.site_draft import read_draft

GRID = {"role": "grid", "device": "m"}


def test_one_bad_entry_does_not_hide_the_others() -> None:
    read = read_draft(
        {"assets": {"grid": GRID, "a": {"role": "sun"}, "b": 1, "C": GRID}, "devices": {"m": {}}}
    )

    assert ["grid"] == list(read.assets)
    assert {("assets", "a", "role"), ("assets", "b"), ("assets", "C"), ("devices", "m", "bus")} < {
        flaw.path for flaw in read.flaws
    }


def test_the_grid_is_kept_without_its_bad_optional_keys() -> None:
    read = read_draft({"assets": {"grid": {**GRID, "share": "all", "colour": 1}}})

    assert "district" == read.assets["grid"].share
    assert {("assets", "grid", "share"), ("assets", "grid", "colour")} < {flaw.path for flaw in read.flaws}


def test_limits_are_not_salvaged() -> None:
    read = read_draft({"limits": {"contract_import_w": 9000, "import_max": 1}})

    assert "limits" not in read.fixed


def test_what_faulty_entries_say_can_still_be_asked() -> None:
    read = read_draft({"devices": {"m": {"bus": "lan"}, "n": {"bus": 5}, "o": 1}})

    assert [("m", "lan")] == list(read.iterate_texts("devices", "bus"))
    assert {} == read.find_raw_entries("nodes")
