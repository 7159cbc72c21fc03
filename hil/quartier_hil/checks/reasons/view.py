"""One reason of an asset as the daemon shows it, and the values that rules compare with it (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from quartier_hil.scenario.outputs import Output

ZERO_W = 0.5


ANSWER_W = 300.0


RESTORE_AFTER_S = 120.0


LIMIT_W, SOC_PCT, SLACK_S = 1.0, 1.0, 3.0


class DeclaredSite(Protocol):
    """The declarations of a site file, as the gateway's own assembly reads it (``quartier.site``).

    Each asset has a ``name``, a ``role``, a ``rated_w`` and what its class declares.
    """

    @property
    def assets(self) -> Sequence[Any]:
        """All assets."""
        ...

    @property
    def limits(self) -> Any:
        """The limits: ``import_hard_w`` is that of the contract."""
        ...

    @property
    def grid_target_w(self) -> float:
        """The grid power that batteries aim at."""
        ...


@dataclass(frozen=True, slots=True)
class ReasonView:
    """One reason of an asset: ``asset`` and ``view`` as the daemon shows them, ``part`` of the reason.

    ``on_s`` is how long the asset has been on; None if unknown.  ``slack_s``: how late it may be seen.
    ``site`` is what the site file declares; None if unknown.  ``measured`` are the quantities of the plant,
    as ``asset.quantity``.  ``raised`` are the codes of all alarms up to now.
    """

    name: str
    asset: Mapping[str, Any]
    view: Mapping[str, Any]
    part: Mapping[str, Any]
    on_s: float | None = None
    output: Output | None = None
    slack_s: float = 0.0
    site: DeclaredSite | None = None
    measured: Mapping[str, float] = field(default_factory=dict)
    raised: frozenset[str] = frozenset()

    @property
    def site_asset(self) -> Any:
        """The asset as the site file declares it; None if unknown."""
        assets = () if self.site is None else self.site.assets
        return next((one for one in assets if one.name == self.name), None)

    @property
    def kind(self) -> str:
        """The role of the asset in the site file; empty if unknown."""
        return getattr(self.site_asset, "role", "")

    @property
    def modes(self) -> Mapping[str, float]:
        """The modes that the site file declares, those that take most first, with their values."""
        return {mode.name: mode.value for mode in getattr(self.site_asset, "modes", ())}

    @property
    def value(self) -> float:
        """The value of the order."""
        return float(self.asset["command"]["value"])

    def get(self, name: str) -> Any:
        """Return one value of the reason."""
        return self.part["values"][name]

    def read(self, quantity: str) -> float | None:
        """Return a quantity of the asset in the plant; None if unknown, or if an alarm concerns the asset."""
        return None if has_alarm(self) else self.measured.get(f"{self.name}.{quantity}")

    def iterate_reasons(self) -> Iterator[Mapping[str, Any]]:
        """Yield all parts of the reasons of the order and of the state."""
        for key in ("command", "state_reason"):
            if key in self.asset:
                yield from iterate_parts(self.asset[key])


def read_power_w(view: ReasonView) -> float | None:
    """Return the measured power in W; None if it is not good, or an alarm concerns the asset."""
    if view.asset.get("quality") != "good" or has_alarm(view):
        return None
    return float(view.asset["power_w"])


def has_alarm(view: ReasonView) -> bool:
    """Return whether an alarm of the asset or of one of its points is active."""
    return view.name in {of.partition(".")[0] for _, of in list_alarms(view)}


def list_alarms(view: ReasonView) -> Iterator[tuple[str, str]]:
    """Return code and subject of each alarm; over wires they come as names in addition to the texts."""
    return list_alarm_keys(view.view)


def list_alarm_keys(status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield code and subject of each alarm of a status."""
    yield from (one.key for one in status["alarms"] if hasattr(one, "key"))
    for name in status.get("alarm_names", ()):
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


_NO_PLAN = (
    "it decides that an asset follows no plan; the order and the state of the asset show another reason,"
    " of the rule that leads it instead"
)
_LEDGER = "it is only in rows of the write ledger, of an output that no cycle orders any more"
UNSHOWN_CODES: Mapping[str, str] = {
    **dict.fromkeys(("plan.too_cold", "plan.unread", "plan.nothing_waits", "plan.no_deadline"), _NO_PLAN),
    **dict.fromkeys(("plan.run_done", "plan.run_late"), _NO_PLAN),
    **dict.fromkeys(("plan.no_car", "plan.no_departure", "plan.no_need"), _NO_PLAN),
    **dict.fromkeys(("input.lost", "output.used_up", "output.left"), _LEDGER),
}
"""Codes that no order and no state has; the check of a run reports one that it sees there."""
EXCEPTIONS: Mapping[str, str] = {
    **UNSHOWN_CODES,
    "text": "a person typed its text, or an older version stored it: no measurement can contradict it",
}
"""All codes without a rule, and why."""
