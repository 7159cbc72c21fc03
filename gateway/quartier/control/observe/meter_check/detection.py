"""The faults of a grid meter by name, which of them a site can detect, and how (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quartier.control import participants
from quartier.control.observe.meter_check.causes import FROZEN, NO_REACTION, REVERSED, TOO_LOW, WRONG_RATIO
from quartier.control.observe.meter_check.judge import LARGE_STEP_W, SIZES
from quartier.control.observe.meter_check.samples import FAST_S, is_generator
from quartier.control.observe.meter_check.steps import STEP_MIN_W
from quartier.site.asset_types import (
    Asset,
    Battery,
    ChargePointAsset,
    ControllableAsset,
    OperationModeAsset,
)
from quartier.site.site_layout import Site


@dataclass(frozen=True, slots=True)
class FaultDetection:
    """One ``fault`` of the grid meter, detected ``by`` these assets or meters (none: it may stay unseen).

    ``verdict`` is the result; ``missing`` says what is needed to detect it, empty if it is detected.
    """

    fault: str
    by: tuple[str, ...]
    verdict: str
    missing: str = ""


def find_detections(site: Site) -> Iterator[FaultDetection]:
    """Yield all known faults, each with what detects it in this building."""
    measured = [asset for asset in site.assets if asset.measured and asset.rated_w >= STEP_MIN_W]
    controllable = [asset for asset in measured if not is_generator(asset)]
    ordered = [asset for asset in controllable if is_orderable(asset)]
    large = [asset for asset in measured if _span_w(asset) >= LARGE_STEP_W]
    signed = not site.grid.is_apparent
    fast = site.grid.period_s <= FAST_S
    consumers = [
        *(asset.name for asset in controllable),
        *(node.name for node in site.nodes if node.measured),
    ]
    yield _found(FROZEN, measured, "suspect", "an asset with a power meter of its own, of 300 W or more")
    yield _found(
        REVERSED,
        [asset for asset in measured if asset in ordered or asset in large] if signed else [],
        "implausible",
        "a meter that tells import from export, and an asset with a power meter that takes orders",
    )
    yield _found(
        WRONG_RATIO,
        ordered if signed and fast and _has_two_sizes(ordered) else [],
        "implausible",
        "a meter that is read each 5 s or more often, and measured assets that take orders of two sizes",
    )
    yield _found(
        NO_REACTION,
        [asset for asset in controllable if asset in large] if fast else [],
        "implausible",
        "a meter that is read each 5 s or more often, and an asset of 3 kW with a power meter",
    )
    verdict = "suspect" if site.unlisted_generation_w else "implausible"
    missing = "a consumer, or a board, with a power meter of its own"
    by = tuple(consumers)
    yield FaultDetection(TOO_LOW, by, verdict if by else "", "" if by else missing)


def is_orderable(asset: Asset) -> bool:
    """Return whether the gateway may order it: not in tier A, nor without an accepted or present fallback."""
    return isinstance(asset, ControllableAsset) and participants.has_writable_point(asset)


def _has_two_sizes(assets: Sequence[Asset]) -> bool:
    """Return whether their steps can have two sizes: a wrong ratio must show in both (``judge.SIZES``)."""
    if any(
        isinstance(one, Battery | ChargePointAsset)
        or (isinstance(one, OperationModeAsset) and len(one.modes) > 2)
        for one in assets
    ):
        return True
    sizes_w = [_span_w(one) for one in assets]
    return max(sizes_w, default=0.0) >= SIZES * min(sizes_w, default=1.0)


def _span_w(asset: Asset) -> float:
    return asset.charge_max_w + asset.discharge_max_w if isinstance(asset, Battery) else asset.rated_w


def _found(fault: str, assets: Sequence[Asset], verdict: str, missing: str) -> FaultDetection:
    by = tuple(asset.name for asset in assets)
    return FaultDetection(fault, by, verdict, "") if by else FaultDetection(fault, (), "", missing)
