"""pytest plugin of the rig: the fixture ``simulated_building`` and its marker.

pytest finds it by the entry point ``pytest11`` of the distribution ``quartier-hil``.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from quartier_hil.testing.building import SimulatedBuilding

_MARKER = "simulated_building"
_LOG_LINES_MAX = 40
LAG_MAX_S = 1.0


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(site_file, folder=None, **options): the building of the fixture simulated_building; "
        "site_file is relative to the test file; options: those of quartier_hil.testing.SimulatedBuilding, "
        f"and lag_max_s: the test is an error if the rig was later than that [{LAG_MAX_S:g} real seconds]",
    )


@pytest.fixture
def simulated_building(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SimulatedBuilding]:
    """Serve the building of the marker for one test; its orders are in the report of a test that fails."""
    marker = request.node.get_closest_marker(_MARKER)
    if marker is None or len(marker.args) != 1:
        raise pytest.UsageError(
            f"{request.node.nodeid} uses the fixture {_MARKER}; expected the marker "
            f'@pytest.mark.{_MARKER}("site.toml", load_w=800, sun_w_per_kw=0)'
        )
    site_file = request.path.parent / marker.args[0]
    options = dict(marker.kwargs)
    lag_allowed_s = options.pop("lag_max_s", LAG_MAX_S)
    folder = Path(options.pop("folder", None) or tmp_path / "devices")
    with SimulatedBuilding(site_file, folder, **options) as building:
        yield building
        lag_max_s = building.lag_max_s
        lines = [
            f"{order.t_s:8.1f} s  {order.device}  {order.point}  {order.old} -> {order.value:g}  {order.by}"
            for order in building.orders[-_LOG_LINES_MAX:]
        ]
        request.node.add_report_section("teardown", "orders in the devices", "\n".join(lines))
    if lag_max_s > lag_allowed_s:
        pytest.fail(
            f"the rig was {lag_max_s:.2f} s late, at most {lag_allowed_s:g} s are allowed: this machine is "
            "too slow for this rate; lower the option rate, or run fewer programs",
            pytrace=False,
        )
