import sys
from importlib import import_module

import pytest

from quartier.runtime.process_size import hide_modules


def test_what_is_imported_inside_does_not_find_it_and_afterwards_it_is_there_again():
    sys.modules.pop("colorsys", None)
    with hide_modules("colorsys"), pytest.raises(ImportError):
        import_module("colorsys")

    assert import_module("colorsys").rgb_to_hsv


def test_what_was_there_before_stays():
    with hide_modules("sys"):
        same = import_module("sys")

    assert same is sys
