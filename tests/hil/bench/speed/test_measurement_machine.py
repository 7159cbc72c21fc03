from quartier_bench.speed import measurement


def test_the_machine_is_named_with_its_load_and_the_versions_of_the_peers():
    about = measurement.describe_machine()

    line = measurement.render_machine(about)

    assert f"{about['cores']} cores" in line
    assert "load" in line
    assert "Node-RED 4" in line


def test_figures_of_a_machine_that_does_other_work_are_marked_so():
    about = measurement.describe_machine()

    assert "figures under load" in measurement.render_machine({**about, "busy": True})
    assert "figures under load" not in measurement.render_machine({**about, "busy": False})
