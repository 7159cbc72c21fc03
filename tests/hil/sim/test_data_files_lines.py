from quartier_sim.data_files import JsonLinesFile


def test_lines_come_back_in_their_order_from_a_folder_that_was_not_there(tmp_path):
    lines = JsonLinesFile(tmp_path / "deep" / "lines.jsonl")
    for number in (1, 2):
        lines.append({"number": number})

    assert [{"number": 1}, {"number": 2}] == list(lines.read())


def test_a_line_that_a_kill_cut_off_costs_itself_alone(tmp_path):
    lines = JsonLinesFile(tmp_path / "lines.jsonl")
    lines.append({"number": 1})
    with lines.path.open("a") as file:
        file.write('{"number": 2, "wo')
    lines.append({"number": 3})

    assert [{"number": 1}, {"number": 3}] == list(lines.read())


def test_what_is_no_object_is_passed_over(tmp_path):
    lines = JsonLinesFile(tmp_path / "lines.jsonl")
    lines.path.write_bytes(b"3\n\xff\n{}\n")

    assert [{}] == list(lines.read())


def test_where_there_is_no_file_there_are_none(tmp_path):
    assert [] == list(JsonLinesFile(tmp_path / "none").read())
