"""Evidence against the grid meter: codes with a value, their texts, and the faults they mean (pure)."""

from collections.abc import Sequence

EVIDENCE_TEXTS = {
    "below_bound": (
        "it shows less than the meters below it measure (at least {value:.0f} W);"
        " if generation is missing in the site file, list it or set limits.unlisted_generation_w"
    ),
    "wrong_sign": "it moves against the assets' steps (gain {value:.2f}): look at the direction of its CTs",
    "none": "it does not show the assets' own steps: look whether its CTs measure this connection",
    "gain_low": (
        "it shows too little of the assets' steps (gain {value:.2f}): look at its CT ratio and phases"
    ),
    "gain_high": "it shows too much of the assets' steps (gain {value:.2f}): look at its CT ratio",
    "corrections_grow": (
        "corrections make the error larger (gain {value:.2f}): look at the direction of its CTs"
    ),
    "one_step": "it did not follow a step of an asset (gain {value:.2f}): the next step decides",
}
"""Text of the evidence against the meter, by code, with a value."""
FROZEN = "frozen values"
REVERSED = "direction of the CTs reversed"
WRONG_RATIO = "wrong ratio, or one phase wrong"
NO_REACTION = "no reaction (dead, or of another building)"
TOO_LOW = "shows less than is measured below it"
_NAMES = {
    "wrong_sign": REVERSED,
    "corrections_grow": REVERSED,
    "gain_low": WRONG_RATIO,
    "gain_high": WRONG_RATIO,
    "none": NO_REACTION,
    "below_bound": TOO_LOW,
}
"""The fault by the code of the evidence (``EVIDENCE_TEXTS``), without its phase."""


def name_fault(code: str) -> str:
    """Return the name of the fault that an evidence code means; empty if it means none yet."""
    if code.startswith("frozen_"):
        return FROZEN
    known, _, phase = code.rpartition("_l")
    if phase.isdigit():
        return WRONG_RATIO if known in _NAMES else ""
    return _NAMES.get(code, "")


def describe_evidence_with_faults(causes: Sequence[tuple[str, float]]) -> str:
    """Return the evidence against the meter as text, each with the name of its fault."""
    named = ((name_fault(code), describe_evidence(((code, value),))) for code, value in causes)
    return "; ".join(f"{name}: {words}" if name else words for name, words in named)


def describe_evidence(causes: tuple[tuple[str, float], ...]) -> str:
    """Return the evidence against the meter as text."""
    return "; ".join(_describe(code, value) for code, value in causes)


def _describe(code: str, value: float) -> str:
    if code.startswith("frozen_"):
        return f"{code.removeprefix('frozen_')} stays at {value:g} while assets change their power"
    known, _, phase = code.rpartition("_l")
    if phase.isdigit():
        return f"{_describe(known, value)} (phase L{phase})"
    return EVIDENCE_TEXTS[code].format(value=value)
