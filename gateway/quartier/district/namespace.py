"""The companion namespace as a table: each document with its topic, manners, schema and example (pure).

For the district's engineers: ``quartier documents`` prints it, ``gateway/docs/companion.md`` and the schemas
beside it are made from it.  Source: spec/sync.md#section-4.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from quartier.district.examples import EXAMPLES, made
from quartier.district.fieldwords import told
from quartier.district.forms import KINDS, SHARED, HeartbeatForm, Kind
from quartier.district.issuers import ListForm
from quartier.district.upforms import AckForm, EventForm, FlexibilityForm, WatermarkForm

ROOT = "quartier/v1/G"
C = f"{ROOT}/E"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of message.  ``topic`` is empty for what travels inside another document."""

    name: str
    topic: str
    way: str
    purpose: str
    form: type[BaseModel]
    qos: int = 1
    retained: bool = True
    expiry: str = "its exp"
    confirmed: str = "ack"

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON Schema with an example."""
        found = told(self.form.model_json_schema())
        example = dict(EXAMPLES[self.name]) if self.name in EXAMPLES else made(found)
        return {"$schema": _DIALECT, **found, "title": self.name, "examples": [example]}


@dataclass(frozen=True, slots=True)
class _Manner:
    """What is said of a signed kind beside its form."""

    purpose: str
    topic: str
    retained: bool = True
    expiry: str = "its exp"
    confirmed: str = "ack"


_MANNERS: Mapping[str, _Manner] = {
    "envelope": _Manner("limits over time of one program", f"{C}/envelope/P"),
    "schedule": _Manner("setpoints or SoC targets of one asset", f"{C}/schedule/D"),
    "failsafe": _Manner("fail-safe parameters, clamped by local limits", f"{C}/failsafe", expiry="none"),
    "command": _Manner("one order, at once", f"{C}/command", retained=False, expiry="60 s"),
    "job": _Manner("work for the gateway: a site file, a key list", f"{C}/job", confirmed="ack and event"),
}


def rows() -> Iterator[Row]:
    """Every kind of message: what the district says, then what a gateway says, then what travels inside."""
    stored = "how far the district has stored"
    yield Row("watermark", f"{C}/watermark", "down", stored, WatermarkForm, expiry="none", confirmed="–")
    beat = "every 30 s, for all buildings; the link stands while it comes"
    yield Row("heartbeat", f"{ROOT}/heartbeat", "down", beat, HeartbeatForm, 0, False, "30 s", "–")
    for level, kind in KINDS.items():
        yield _signed(level, kind)
    for level, kind in SHARED.items():
        said = "to all buildings: " + level.partition("/")[2]
        yield Row(level.replace("/", "-"), f"{ROOT}/{level}", "down", said, kind.form, confirmed="–")
    yield Row("ack", f"{C}/ack", "up", "what became of a document", AckForm, 1, False, "1 h", "–")
    until = "watermark of event"
    yield Row("event", f"{C}/event", "up", "alarms and events", EventForm, 1, False, "7 d", until)
    could = "what the building could do"
    yield Row("flexibility", f"{C}/flexibility", "up", could, FlexibilityForm, expiry="1 h", confirmed="–")
    inside = "the key list, as the payload of a root's JWS"
    yield Row("keys", "", "down", inside, ListForm, 1, False, "–", "–")


def _signed(level: str, kind: Kind) -> Row:
    manner = _MANNERS.get(level, _Manner(kind.name, f"{C}/{level}"))
    how = manner.retained, manner.expiry, manner.confirmed
    return Row(kind.name, manner.topic, "down", manner.purpose, kind.form, 1, *how)


def table() -> str:
    """The table of the page, in Markdown."""
    heads = ("document", "topic", "way", "QoS", "retained", "expiry", "confirmed by")
    head = f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n"
    return head + "".join(f"{_line(row)}\n" for row in rows() if row.topic)


def _line(row: Row) -> str:
    name = f"[{row.name}](schemas/{row.name}.json): {row.purpose}"
    retained = "yes" if row.retained else "no"
    return f"| {name} | `{row.topic}` | {row.way} | {row.qos} | {retained} | {row.expiry} | {row.confirmed} |"


def schemas() -> Mapping[str, str]:
    """File name -> the text of each schema."""
    return {f"{row.name}.json": json.dumps(row.schema, indent=2, ensure_ascii=False) + "\n" for row in rows()}
