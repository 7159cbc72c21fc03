"""Open data of the district: one sum a quarter hour over at least five buildings, never a single home
(pure).

Three rules.  A value is the sum over a whole cohort that was fixed before: a missing building leaves a
gap,
not a smaller sum.  A value is never changed once it was published.  And two cohorts of one feed are equal,
or
differ by five buildings or more on each side: no difference of two sums is a single building's.
Description: DCAT-AP (W3C DCAT 3), as JSON-LD.
"""

import csv
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from quartier_district.fleet.building_state import QUARTER_MS, QuarterMeans

BUILDINGS_MIN_COUNT = 5
LARGEST_MAX_PCT = 85.0
"""One building must not be more than this part of a sum: else the sum is its own."""
VALUES_MAX_COUNT = 4 * 24 * 31
CSV_COLUMNS = ("start", "end", "buildings", "import_mean_w", "export_mean_w")


@dataclass(frozen=True, slots=True)
class QuarterValue:
    """One quarter hour: mean powers of the whole cohort, W."""

    start_ms: int
    count: int
    import_w: float
    export_w: float


def isolates_buildings(cohorts: Sequence[Collection[str]]) -> bool:
    """Return whether a cohort is too small, or two of them differ by so few that these can be told."""
    sets = [frozenset(cohort) for cohort in cohorts]
    if any(len(cohort) < BUILDINGS_MIN_COUNT for cohort in sets):
        return True
    sides = [len(one - other) for one in sets for other in sets]
    return any(0 < side < BUILDINGS_MIN_COUNT for side in sides)


def is_dominated(values_w: Sequence[float]) -> bool:
    """Return whether one building is nearly all of the sum."""
    total_w = sum(abs(value) for value in values_w)
    return total_w > 0 and max(map(abs, values_w)) / total_w * 100.0 > LARGEST_MAX_PCT


@dataclass
class OpenDataFeed:
    """Published values, the oldest first; ``cohorts`` are all cohorts ever used."""

    cohorts: list[frozenset[str]] = field(default_factory=list)
    values: dict[int, QuarterValue] = field(default_factory=dict)
    why: str = "nothing is published yet"

    def see(self, cohort: Collection[str], quarters: Mapping[str, QuarterMeans], now_ms: int) -> None:
        """Publish the quarter hours that are complete now; ``quarters`` by building."""
        chosen = frozenset(cohort)
        if len(chosen) < BUILDINGS_MIN_COUNT:
            self.why = f"open data need {BUILDINGS_MIN_COUNT} buildings, there are {len(chosen)}"
            return
        if chosen not in self.cohorts and isolates_buildings([*self.cohorts, chosen]):
            self.why = "so few buildings changed that a difference would show them: nothing is published"
            return
        last_ms = now_ms // QUARTER_MS * QUARTER_MS - QUARTER_MS
        if last_ms in self.values:
            return
        known = [quarters[name].means_w.get(last_ms) for name in sorted(chosen)]
        powers_w = [power_w for power_w in known if power_w is not None]
        if len(powers_w) < len(chosen):
            self.why = "a building is missing in the last quarter hour: a gap"
        elif is_dominated(powers_w):
            self.why = "one building is nearly all of the last quarter hour: a gap"
        else:
            self._publish(chosen, last_ms, powers_w)

    def _publish(self, chosen: frozenset[str], start_ms: int, powers_w: Sequence[float]) -> None:
        if chosen not in self.cohorts:
            self.cohorts.append(chosen)
        # Of each direction the sum over all: who imports and who exports is not told.
        total_w = sum(powers_w)
        self.values[start_ms] = QuarterValue(start_ms, len(powers_w), max(total_w, 0.0), max(-total_w, 0.0))
        while len(self.values) > VALUES_MAX_COUNT:
            del self.values[next(iter(self.values))]
        self.why = f"{len(powers_w)} buildings in each value"

    @property
    def rows(self) -> list[tuple[str, str, int, int, int]]:
        """The values as they are written: whole W."""
        return [
            (
                _format_iso(value.start_ms),
                _format_iso(value.start_ms + QUARTER_MS),
                value.count,
                round(value.import_w),
                round(value.export_w),
            )
            for value in self.values.values()
        ]

    def csv(self) -> str:
        """As CSV (RFC 4180)."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(CSV_COLUMNS)
        writer.writerows(self.rows)
        return out.getvalue()

    def json(self) -> str:
        """As a JSON list of objects with the columns' names."""
        return json.dumps([dict(zip(CSV_COLUMNS, row, strict=True)) for row in self.rows], indent=1)


def describe_dataset(group: str, root: str) -> str:
    """The DCAT description; ``root`` is where the feed is served."""
    return json.dumps(
        {
            "@context": {
                "dcat": "http://www.w3.org/ns/dcat#",
                "dct": "http://purl.org/dc/terms/",
                "foaf": "http://xmlns.com/foaf/0.1/",
                "xsd": "http://www.w3.org/2001/XMLSchema#",
            },
            "@type": "dcat:Dataset",
            "@id": f"{root}open/dcat.jsonld",
            "dct:title": f"Power of the district {group}",
            "dct:description": "Mean power of the district's buildings in each quarter hour. Every value is "
            f"the sum over the same {BUILDINGS_MIN_COUNT} buildings or more; quarter hours in which one "
            "is missing are left out.",
            "dct:accrualPeriodicity": {
                "@id": "http://publications.europa.eu/resource/authority/frequency/CONT"
            },
            "dcat:temporalResolution": {"@type": "xsd:duration", "@value": "PT15M"},
            "dcat:keyword": ["electricity", "energy district", "load"],
            "dct:publisher": {"@type": "foaf:Agent", "foaf:name": group},
            "dcat:distribution": [
                _describe_distribution(root, "load.csv", "text/csv"),
                _describe_distribution(root, "load.json", "application/json"),
            ],
        },
        indent=1,
    )


def _describe_distribution(root: str, name: str, kind: str) -> Mapping[str, Any]:
    url = f"{root}open/{name}"
    return {
        "@type": "dcat:Distribution",
        "dcat:accessURL": {"@id": url},
        "dcat:downloadURL": {"@id": url},
        "dcat:mediaType": {"@id": f"https://www.iana.org/assignments/media-types/{kind}"},
    }


def _format_iso(utc_ms: int) -> str:
    return datetime.fromtimestamp(utc_ms / 1e3, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
