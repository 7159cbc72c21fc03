"""What is not planned, and what a person does about it."""

from collections.abc import Iterator

from quartier.cli.given import EXAMPLES
from quartier.planning.site.asset_selection import AssetSelection, ExcludedAsset


def why_not(found: AssetSelection) -> list[str]:
    """A line for each asset that could be planned and is not."""
    return [f"{name}: {one.why}{_next(one)}" for name, one in found.left_out.items()]


def _next(one: ExcludedAsset) -> str:
    return "".join(f"; {line}" for line in _remedies(one.missing))


def _remedies(missing: str) -> Iterator[str]:
    if missing.startswith("assets."):
        yield f"see {missing} in the site file"
    elif missing:
        name, _, word = missing.partition(".")
        where = f" (or assets.{missing} in the site file)" if word == "energy_wanted_wh" else ""
        absent = f", or --with {name}.plugged_on=0" if word == "energy_wanted_wh" else ""
        yield f"say --with {missing}={EXAMPLES[word]}{where}{absent}"
