"""What is recorded is bounded, whatever the site file says."""

import pytest
from pydantic import ValidationError

from quartier.config.sections.site_file import RecordingSection


def test_by_itself_a_minute_or_256_kb_a_bus_and_twenty_files():
    found = RecordingSection()

    assert (512_000, 60.0, 20) == (found.buffer_max_bytes, found.buffer_s, found.files_max_count)


@pytest.mark.parametrize(
    ("key", "value"), [("buffer_max_bytes", 17_000_000), ("buffer_s", 1.0), ("files_max_count", -1)]
)
def test_what_is_outside_its_bounds_is_a_fault(key, value):
    with pytest.raises(ValidationError, match=key):
        RecordingSection(**{key: value})
