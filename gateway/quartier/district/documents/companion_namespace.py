"""Table and JSON Schemas of the companion namespace for district engineers (pure).

The description of a field in one form has the key ``Form.field``; a description for all fields of that name
has the key ``field``. ``quartier documents`` prints the table; ``gateway/docs/companion.md`` and the schemas
beside it are generated from this module. Source: spec/sync.md#section-4.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from quartier.district.documents.document_types import (
    DISTRICT_DOCUMENT_TYPES,
    DOCUMENT_TYPES,
    DocumentType,
    HeartbeatForm,
)
from quartier.district.documents.examples import EXAMPLES, make_example
from quartier.district.documents.gateway_forms import AckForm, EventForm, FlexibilityForm, WatermarkForm
from quartier.district.documents.key_list import ListForm

FIELD_DESCRIPTIONS: Mapping[str, str] = {
    "id": "Yours; acknowledgements carry it.",
    "seq": "Rises for each key and topic; take it from Unix milliseconds.",
    "EventKey.seq": "The number of the first event that comes again.",
    "boot": "The start of the gateway that it belongs to.",
    "iss": "Who says it, for people; the key decides.",
    "aud": "G.E of the gateway, or a list that holds it; of signals the district G.",
    "iat": "When it was issued, Unix milliseconds; a command counts for a minute from then on.",
    "nbf": "Not before this, Unix milliseconds; 60 s of tolerance.",
    "exp": "Not from this on, Unix milliseconds.",
    "n": "Rises with every heartbeat; take it from Unix milliseconds.",
    "ts": "When it was said, Unix milliseconds; within 60 s of the gateway's clock.",
    "priority": "The lower number wins; caps of all programs combine by their minimum.",
    "program": "The last level of the topic; dso, district or nebef.",
    "start": "When the first interval begins, Unix milliseconds.",
    "randomize_start_s": "Up to so much later, drawn by each building; never delays what tightens.",
    "ramp_w_per_s": "How quickly the cap moves; absent: at once.",
    "on_loss": "What holds while the district is lost: the cached intervals, or the fail-safe values.",
    "intervals": "One after the other from start on.",
    "default": "In gaps and after the last interval, until exp.",
    "import_max_w": "Cap of what is taken from the grid.",
    "export_max_w": "Cap of what is given to the grid.",
    "FailsafeForm.import_max_w": "Import cap of the fail-safe state, clamped by the building's hard limit.",
    "FailsafeForm.export_max_w": "Export cap of the fail-safe state, clamped by the building's hard limit.",
    "FailsafeForm.exp": "Until when they may be taken; what was taken stays.",
    "generation_max_w": "Cap of what PV and other sources generate.",
    "consumption_max_w": "Cap of what the building consumes, whatever it generates.",
    "duration_s": "How long.",
    "TimerForm.id": "Which minimum time runs.",
    "left_s": "How much of it is left.",
    "duration_min_s": "How long the fail-safe state lasts at least, 2..24 h.",
    "asset": "The asset; of a schedule the last level of the topic.",
    "power_w": "Power, plus takes from the building.",
    "soc_pct": "State of charge at the end.",
    "op": "What is to be done.",
    "JobForm.op": "What is to be done; software is refused until there is a way to update it.",
    "site": "With config: the whole site file, TOML.",
    "list": "With keys: the key list, a compact JWS of the district's root.",
    "software": "With software: whatever a later version will ask for.",
    "level": "0 normal to 3: tier D, then C and D, then B, C and D.",
    "w": "Power, plus takes from the building.",
    "mode": "auto, manual or maintenance.",
    "from": "The first event that comes again.",
    "code": "The code of an alarm, as in the page of alarms.",
    "AlertForm.code": "A word in capitals.",
    "text": "For people.",
    "import_eur_per_kwh": "What energy from the grid costs; below 0 who takes it is paid.",
    "export_eur_per_kwh": "What is paid for energy to the grid.",
    "import_g_per_kwh": "CO2 equivalent of energy from the grid.",
    "forecast": "How forecasts were made, and that of the connection.",
    "load": "What the building will take without battery and cars; null where it does not plan.",
    "sun": "What its sun will give, plus.",
    "net": "Load less sun: what the connection would take before anything is steered.",
    "mean_w": "96 quarter hours from the forecast's start on; null where they are not known.",
    "low_w": "The quantile 10 %: one time in ten it is less.",
    "middle_w": "The quantile 50 %.",
    "high_w": "The quantile 90 %.",
    "model": "Which model was chosen, by its own back-test.",
    "error_w": "Root of its mean squared error in the back-test; null before anything was tried.",
    "miss_w": "Its mean absolute error there.",
    "inside_pct": "How often what happened lay between low and high there.",
    "devices": "Every asset whose data may leave the building.",
}


def add_descriptions(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema with descriptions for the fields that have none."""
    found = _describe_fields(schema)
    if "$defs" in schema:
        found["$defs"] = {name: _describe_fields(part) for name, part in schema["$defs"].items()}
    return found


def _describe_fields(part: Mapping[str, Any]) -> dict[str, Any]:
    title = str(part.get("title", ""))
    fields = {
        name: about
        if "description" in about or (words := _find_description(title, name)) is None
        else {**about, "description": words}
        for name, about in part.get("properties", {}).items()
    }
    return {**part, "properties": fields} if fields else dict(part)


def _find_description(title: str, field: str) -> str | None:
    return FIELD_DESCRIPTIONS.get(f"{title}.{field}", FIELD_DESCRIPTIONS.get(field))


ROOT_TOPIC = "quartier/v1/G"
COMPANION_TOPIC = f"{ROOT_TOPIC}/E"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One kind of message. ``topic`` is empty for content of another document."""

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
        """Return its JSON Schema with an example."""
        found = add_descriptions(self.form.model_json_schema())
        example = dict(EXAMPLES[self.name]) if self.name in EXAMPLES else make_example(found)
        return {"$schema": _DIALECT, **found, "title": self.name, "examples": [example]}


@dataclass(frozen=True, slots=True)
class _MessageProperties:
    """Properties of a signed document type besides its form."""

    purpose: str
    topic: str
    retained: bool = True
    expiry: str = "its exp"
    confirmed: str = "ack"


_PROPERTIES_BY_LEVEL: Mapping[str, _MessageProperties] = {
    "envelope": _MessageProperties("limits over time of one program", f"{COMPANION_TOPIC}/envelope/P"),
    "schedule": _MessageProperties("setpoints or SoC targets of one asset", f"{COMPANION_TOPIC}/schedule/D"),
    "failsafe": _MessageProperties(
        "fail-safe parameters, clamped by local limits", f"{COMPANION_TOPIC}/failsafe", expiry="none"
    ),
    "command": _MessageProperties(
        "one order, at once", f"{COMPANION_TOPIC}/command", retained=False, expiry="60 s"
    ),
    "job": _MessageProperties(
        "work for the gateway: a site file, a key list", f"{COMPANION_TOPIC}/job", confirmed="ack and event"
    ),
}


def iterate_rows() -> Iterator[MessageRow]:
    """Yield every kind of message: from the district, from a gateway, then content of other documents."""
    stored = "how far the district has stored"
    yield MessageRow(
        "watermark",
        f"{COMPANION_TOPIC}/watermark",
        "down",
        stored,
        WatermarkForm,
        expiry="none",
        confirmed="–",
    )
    beat = "every 30 s, for all buildings; keeps the link alive"
    yield MessageRow(
        "heartbeat", f"{ROOT_TOPIC}/heartbeat", "down", beat, HeartbeatForm, 0, False, "30 s", "–"
    )
    for level, kind in DOCUMENT_TYPES.items():
        yield _make_signed_row(level, kind)
    for level, kind in DISTRICT_DOCUMENT_TYPES.items():
        text = "to all buildings: " + level.partition("/")[2]
        yield MessageRow(
            level.replace("/", "-"), f"{ROOT_TOPIC}/{level}", "down", text, kind.form, confirmed="–"
        )
    yield MessageRow(
        "ack", f"{COMPANION_TOPIC}/ack", "up", "what became of a document", AckForm, 1, False, "1 h", "–"
    )
    until = "watermark of event"
    yield MessageRow(
        "event", f"{COMPANION_TOPIC}/event", "up", "alarms and events", EventForm, 1, False, "7 d", until
    )
    could = "what the building could do"
    yield MessageRow(
        "flexibility",
        f"{COMPANION_TOPIC}/flexibility",
        "up",
        could,
        FlexibilityForm,
        expiry="1 h",
        confirmed="–",
    )
    inside = "the key list, as the payload of a root's JWS"
    yield MessageRow("keys", "", "down", inside, ListForm, 1, False, "–", "–")


def _make_signed_row(level: str, kind: DocumentType) -> MessageRow:
    manner = _PROPERTIES_BY_LEVEL.get(level, _MessageProperties(kind.name, f"{COMPANION_TOPIC}/{level}"))
    return MessageRow(
        kind.name,
        manner.topic,
        "down",
        manner.purpose,
        kind.form,
        1,
        manner.retained,
        manner.expiry,
        manner.confirmed,
    )


def render_table() -> str:
    """Return the table of the page in Markdown."""
    heads = ("document", "topic", "way", "QoS", "retained", "expiry", "confirmed by")
    head = f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n"
    return head + "".join(f"{_render_line(row)}\n" for row in iterate_rows() if row.topic)


def _render_line(row: MessageRow) -> str:
    name = f"[{row.name}](schemas/{row.name}.json): {row.purpose}"
    retained = "yes" if row.retained else "no"
    return f"| {name} | `{row.topic}` | {row.way} | {row.qos} | {retained} | {row.expiry} | {row.confirmed} |"


def make_schemas() -> Mapping[str, str]:
    """Return the text of each schema by file name."""
    return {
        f"{row.name}.json": json.dumps(row.schema, indent=2, ensure_ascii=False) + "\n"
        for row in iterate_rows()
    }
