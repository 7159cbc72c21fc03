"""The cables that an installer pulls for each loss, and what to observe (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quartier.control.observe.meter_check.causes import describe_evidence_with_faults

RELEASED_CODE = "output.given_back"
"""The code of a reason that released a point."""
NOT_BY_HAND = "not by hand: drill --simulated makes it"


@dataclass(frozen=True, slots=True, kw_only=True)
class CableStep:
    """One cable: what to pull, what to look at, what is declared (s; None: no such time).

    ``question`` is a question whose answer only a person can see; empty where the gateway sees all of it.
    """

    loss: str
    of: str
    pull: str
    question: str = ""
    action: str
    noticed_s: float | None
    deadline_s: float | None

    @property
    def name(self) -> str:
        """``battery-silent bat1``."""
        return f"{self.loss} {self.of}".rstrip()

    @property
    def watch_max_s(self) -> float:
        """Return how long it is watched at most."""
        return max(self.noticed_s or 0.0, 10.0) * 1.5 + 15.0


def list_cable_steps(
    rows: Sequence[Mapping[str, Any]], status: Mapping[str, Any], wanted: Sequence[str]
) -> Iterator[CableStep]:
    """List the losses that can be caused by hand, in the order of the loss table."""
    devices = {row["asset"]: row["device"] for row in status.get("fallbacks", ())}
    for row in rows:
        pull = _find_cable(row, devices)
        if pull and (not wanted or row["name"] in wanted):
            yield CableStep(
                loss=row["name"],
                of=row["of"],
                pull=pull,
                question=_find_question(row),
                action=row["action"],
                noticed_s=row["noticed_s"],
                deadline_s=row["deadline_s"],
            )


def _find_cable(row: Mapping[str, Any], devices: Mapping[str, str]) -> str:
    name, of = row["name"], row["of"]
    if name == "grid-meter-lost":
        return "the data cable of the connection's meter"
    if name.endswith("-silent"):
        device = f" (device {devices[of]})" if of in devices else ""
        return f"the data cable of {of}{device}"
    if name == "bus-down":
        return f"the cable or adapter of bus {of} at the gateway"
    return "the network cable towards the district" if name == "uplink-lost" else ""


def _find_question(row: Mapping[str, Any]) -> str:
    """Asked where a device's own timer acts, which a gateway that cannot reach it cannot see."""
    timed = row["name"].endswith("-silent") and row["deadline_s"] is not None
    if not timed or row["deadline_s"] <= (row["noticed_s"] or 0.0):
        return ""
    return f"Did {row['of']} show its own control, or its safe value, within {row['deadline_s']:.0f} s?"


def find_noticed_age_s(step: CableStep, status: Mapping[str, Any]) -> float | None:
    """Return how long ago the daemon noticed this loss, in s; None while it has not."""
    for row in status["control"].get("losses", ()):
        if (row["name"], row["of"]) == (step.loss, step.of):
            return float(status["gateway"]["utc_ms"] - row["since_utc_ms"]) / 1000
    return None


def find_last_good_age_s(step: CableStep, status: Mapping[str, Any]) -> float | None:
    """Return how old the last reading of what is pulled is, in s: until then the cable was in."""
    control = status["control"]
    seen = control["grid"] if step.loss == "grid-meter-lost" else control["assets"].get(step.of, {})
    age_s = seen.get("age_s")
    return None if age_s is None else float(age_s)


def find_release_age_s(status: Mapping[str, Any]) -> float | None:
    """Return how long ago a setpoint was given back on the wire, in s; None where none was."""
    ages = [
        float(one["age_s"])
        for one in status.get("written", {}).values()
        if one and one.get("code") == RELEASED_CODE and one.get("verdict") == "done"
    ]
    return max(ages, default=None)


def render_meter_verdict(status: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the running gateway says of the connection meter, for the record: its verdict, and why."""
    grid = status["control"].get("grid", {})  # nothing is known before the first cycle
    causes = [(str(one["code"]), float(one["value"])) for one in grid.get("causes", ())]
    return {"verdict": grid.get("verdict", ""), "why": describe_evidence_with_faults(causes)}


def list_devices(status: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return which devices there are, with their serial numbers, for the record."""
    return [
        {"bus": bus["name"], "device": device["name"], **{key: str(text) for key, text in who.items()}}
        for bus in status["buses"]
        for device in bus["devices"]
        for who in [device.get("identity") or {}]
    ]
