"""The codes of reasons that no rule compares, each with why not (pure)."""

from collections.abc import Mapping

_NO_PLAN = (
    "it decides that an asset follows no plan; the order and the state of the asset show another reason,"
    " of the rule that leads it instead"
)
_LEDGER = "it stands only in rows of the write ledger, of an output that no cycle orders any more"
UNSHOWN_CODES: Mapping[str, str] = {
    **dict.fromkeys(("plan.too_cold", "plan.unread", "plan.nothing_waits", "plan.no_deadline"), _NO_PLAN),
    **dict.fromkeys(("plan.run_done", "plan.run_late"), _NO_PLAN),
    **dict.fromkeys(("plan.no_car", "plan.no_departure", "plan.no_need"), _NO_PLAN),
    **dict.fromkeys(("input.lost", "output.used_up", "output.left"), _LEDGER),
}
"""Codes that no order and no state has; the check of a run reports one that it sees there."""
EXCEPTIONS: Mapping[str, str] = {
    **UNSHOWN_CODES,
    "said": "a person typed its text, or an older version stored it: no measurement can contradict it",
}
"""All codes without a rule, and why."""
