"""What was seen of a timer comes back from disk as it was, and says nothing of another timer or device."""

import json

import pytest

from quartier.runtime.bus import fallback_monitor
from quartier.runtime.bus.fallback_monitor import FallbackProof

SEEN = FallbackProof(acts=True, after_s=60.0, seen_s=60.3, words="it fell back", utc_ms=9, serial="A1")


@pytest.mark.parametrize("seen", [SEEN, FallbackProof(False, 60.0, None, "it ignores its timer", 9)])
def test_it_comes_back_as_it_was(seen):
    assert seen == fallback_monitor.load_fallback_proof(json.loads(json.dumps(seen.facts())))


@pytest.mark.parametrize("kept", [{}, {**SEEN.facts(), "after_s": "long"}, {**SEEN.facts(), "utc_ms": None}])
def test_nonsense_is_no_proof(kept):
    with pytest.raises((KeyError, TypeError, ValueError)):
        fallback_monitor.load_fallback_proof(kept)


def test_it_holds_for_its_own_timer_and_device_only():
    assert [True, True, False, False] == [
        SEEN.holds_for(60.0, "A1"),
        SEEN.holds_for(60.0, ""),
        SEEN.holds_for(60.0, "B2"),
        SEEN.holds_for(61.0, "A1"),
    ]
