from quartier_hil.processes.child_process import make_work_folder


def test_a_folder_too_deep_for_a_socket_is_reached_by_a_short_one_and_keeps_its_files(tmp_path):
    deep = tmp_path / ("r" * 90)
    work = make_work_folder(deep)
    (work / "district.jsonl").touch()

    assert len(str(work)) < 60
    assert (deep / "run" / "district.jsonl").is_file()


def test_a_folder_that_is_not_too_deep_is_used_as_it_is_and_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("quartier_hil.processes.child_process._SOCKET_PATH_MAX", 1000)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "of before").touch()

    work = make_work_folder(tmp_path)

    assert tmp_path.resolve() / "run" == work
    assert [] == list(work.iterdir())
