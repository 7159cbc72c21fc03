"""What each field of a document means, for who writes the other end (pure).

Words for a field of one form stand under ``Form.field``, those for all of its name under ``field``.
"""

from collections.abc import Mapping
from typing import Any

WORDS: Mapping[str, str] = {
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


def told(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema with words for the fields that have none of their own."""
    found = _with_words(schema)
    if "$defs" in schema:
        found["$defs"] = {name: _with_words(part) for name, part in schema["$defs"].items()}
    return found


def _with_words(part: Mapping[str, Any]) -> dict[str, Any]:
    title = str(part.get("title", ""))
    fields = {
        name: about
        if "description" in about or (words := _words(title, name)) is None
        else {**about, "description": words}
        for name, about in part.get("properties", {}).items()
    }
    return {**part, "properties": fields} if fields else dict(part)


def _words(title: str, field: str) -> str | None:
    return WORDS.get(f"{title}.{field}", WORDS.get(field))
