"""One reason of an asset as the daemon shows it, and the values that rules compare with it (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from quartier_hil.scenario.outputs import Output

ZERO_W = 0.5


ANSWER_W = 300.0


RESTORE_AFTER_S = 120.0


LIMIT_W, SOC_PCT, SLACK_S = 1.0, 1.0, 3.0


@dataclass(frozen=True, slots=True)
class ReasonView:
    """One reason of an asset: ``asset`` and ``view`` as the daemon shows them, ``part`` of the reason.

    ``on_s`` is how long the asset has been on; None if unknown.  ``slack_s``: how late it may be seen.
    """

    name: str
    asset: Mapping[str, Any]
    view: Mapping[str, Any]
    part: Mapping[str, Any]
    on_s: float | None = None
    output: Output | None = None
    slack_s: float = 0.0

    @property
    def value(self) -> float:
        """The value of the order."""
        return float(self.asset["command"]["value"])

    def get(self, name: str) -> Any:
        """Return one value of the reason."""
        return self.part["values"][name]


def read_power_w(view: ReasonView) -> float | None:
    """Return the measured power in W; None if it is not good, or an alarm concerns the asset."""
    if view.asset.get("quality") != "good" or view.name in {
        of.partition(".")[0] for _, of in list_alarms(view)
    }:
        return None
    return float(view.asset["power_w"])


def list_alarms(view: ReasonView) -> Iterator[tuple[str, str]]:
    """Yield code and subject of each alarm; over wires they come as names in addition to the texts."""
    yield from (one.key for one in view.view["alarms"] if hasattr(one, "key"))
    for name in view.view.get("alarm_names", ()):
        code, _, of = name.partition(":")
        yield code, of


def iterate_parts(reason: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield all parts of a reason, with those of the source of its limit."""
    here: Mapping[str, Any] | None = reason
    while here:
        yield here
        if "source" in here:
            yield from iterate_parts(here["source"])
        here = here.get("more")
