"""What the operator agrees to, in exactly the words in which it will be done (pure)."""

from math import isfinite

from quartier.commissioning.bounds import Bounds
from quartier.commissioning.stage import Wish
from quartier.commissioning.subject import Subject


def promised(subject: Subject, bounds: Bounds, wish: Wish) -> list[str]:
    """What is done, within which bounds, what ends it, and what happens if this computer dies."""
    name = subject.name
    lines = [
        f"quartier probe {name} {_does(subject)}, for at most {wish.for_s:.0f} s.",
        (
            f"The grid is kept between {-bounds.export_w:.0f} W and {bounds.import_w:.0f} W; "
            "it is looked at before each step and while it lasts."
        ),
        (
            "It ends at once on Ctrl-C, a lost reading, a limit, or an answer that runs away, "
            f"and gives {name} back."
        ),
        _alone(subject),
    ]
    if subject.persistent:
        budget = subject.writes_per_day
        lines.append(
            f"Each write wears the memory of {subject.point}: about 20 of its {budget} a day are made."
        )
    if wish.watch_timer:
        lines.append(
            "At the end nothing is written any more, to see whether the device's own timer ends the step."
        )
    return lines


def _does(subject: Subject) -> str:
    name, step_w = subject.name, subject.step_w
    does = {
        "battery": f"takes {name} to 0 W and then steps it by {step_w:.0f} W, charging and discharging,"
        " several times",
        "ev": f"lets the car charge at its least current ({subject.low_w:.0f} W), then {step_w:.0f} W more,"
        " several times",
        "pv": f"lets {name} generate freely inside the limits and then curtails it by {step_w:.0f} W,"
        " several times, and once to nothing",
        "load": f"switches {name} ({step_w:.0f} W) on and off once, its least times kept",
    }
    return does[subject.role]


def _alone(subject: Subject) -> str:
    timer = subject.fallback
    if timer is None:
        return f"The device has no timer of its own; the site file accepts that: {subject.accepted}."
    if not isfinite(timer.after_s):
        return "If this computer dies, what was written last stands until quartier release is run."
    falls = "its own control" if timer.value is None else f"{subject.point} {timer.value:g}"
    return f"If this computer dies, the device by itself goes to {falls} after {timer.after_s:.0f} s."
