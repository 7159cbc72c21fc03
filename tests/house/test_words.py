"""Words of the old private vocabulary stand in no name, comment, text or page.

``RENAMED`` maps each word to the term that replaces it. Its words have no other meaning in this field, so that
``EXCEPTIONS`` stays short.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

RENAMED = {
    "befall": "happen",
    "befalls": "happens",
    "befell": "happened",
    "clerk": "heartbeat key, person",
    "crest": "peak",
    "crests": "peak history",
    "deed": "command",
    "deeds": "commands",
    "discretion": "redaction",
    "door": "protocol, driver, factory",
    "doors": "protocols, drivers",
    "entrance": "ingest",
    "errand": "command, pending request, exchange",
    "errands": "commands, exchanges",
    "foretold": "forecast",
    "grove": "connection tree",
    "happenings": "events",
    "hush": "silence",
    "interlude": "yield point",
    "kids": "key ids, children",
    "ladder": "loss table, relaxation order, steps",
    "ladders": "loss tables, steps",
    "lane": "slot of a bus",
    "lanes": "slots of a bus",
    "leaning": "preference",
    "lest": "so that not",
    "lookout": "fallback monitor",
    "nought": "zero",
    "pall": "cover",
    "pen": "writer",
    "player": "participant",
    "players": "participants",
    "pledge": "ack",
    "pledges": "acks",
    "rival": "conflict, other writer",
    "rivals": "conflicts, other writers",
    "rota": "schedule",
    "rung": "step, stage",
    "rungs": "steps, stages",
    "school": "training",
    "schools": "training",
    "seat": "participant, place in a batch",
    "seats": "participants",
    "sentry": "alarm manager",
    "shelf": "chunk reader, profiles",
    "shelves": "chunk readers",
    "sight": "observations",
    "sights": "observations",
    "standins": "simulators",
    "steed": "device",
    "steep": "expensive",
    "swarm": "load test",
    "tallies": "counts",
    "tally": "counts",
    "teller": "source, meter, progress",
    "thrift": "write budget",
    "toll": "surcharge",
    "tolls": "surcharges",
    "town": "simulated site",
    "towns": "simulated sites",
    "unsaid": "not stated, default",
    "untold": "unreported, unwritten",
    "voice": "messages",
    "voices": "messages, senders",
    "wish": "request",
    "wished": "requested",
    "wishes": "requests",
    "witness": "write listener, clock source",
    "witnesses": "listeners, measurements",
}
FOLDERS = {"gateway", "drivers", "native", "hil", "tests", "systemd"}
# Here a word is not ours: data of a maker, a generated file, and this list.
SKIPPED = ("tests/house/test_words.py", "gateway/quartier/district/sparkplug/sparkplug_b_pb2.py")
TEXTS = {".c", ".h", ".js", ".md", ".pxd", ".py", ".pyi", ".pyx", ".toml"}
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
NATIVE = r"^(?:native|tests/native)/|^hil/quartier_bench/(?:peers|speed)/|^tests/gateway/control/test_cycle_"
# (words, pattern of the path, pattern of the line, reason)
EXCEPTIONS = (
    ({"ladder", "ladders", "seat", "seats", "wishes"}, NATIVE, r"", "names that the compiled kernels define"),
    ({"lane", "lanes"}, r"^(?:native|tests/native)/", r"", "a lane of a vector of the processor"),
    (
        {"crest", "crests"},
        r"/planning/",
        r"[\"(]crest",
        "keys of a saved state: an upgrade keeps what was learnt",
    ),
    (
        {"tolls"},
        r"/planning/service/",
        r"\"tolls\"",
        "a key of a saved state: an upgrade keeps what was learnt",
    ),
    ({"ladder"}, r"", r"\"ladder\"", "the name of a question of the local socket"),
    ({"seat"}, r"/local_socket/", r"\bSEAT\b|seat0", "a column of loginctl"),
    ({"door"}, r"^drivers/quartier_drivers/bacnet/", r"access-door", "an object type of BACnet"),
    (
        {"door", "shelf", "town"},
        r"^(?:hil|tests)/",
        r"[\"'.\[]door|\bcontact (?:')?door|shelf|Town hall",
        "a place",
    ),
)


def find_old_words(path: Path, text: str) -> Iterator[str]:
    """Yield each old word of a file that no exception covers, with its place and the term to use."""
    known = [(words, line) for words, where, line, _ in EXCEPTIONS if re.search(where, path.as_posix())]
    for number, line in enumerate([path.as_posix(), *text.splitlines()]):
        for word in {found.lower() for found in WORD.findall(line)} & RENAMED.keys():
            if not any(word in words and re.search(pattern, line) for words, pattern in known):
                yield f"{path}:{number}: {word}: use {RENAMED[word]}"


def test_no_old_word_is_left(texts: dict[Path, str]) -> None:
    found = [
        place
        for path, text in texts.items()
        if (path.parts[0] in FOLDERS or path.parent == Path())
        and path.suffix in TEXTS
        and path.as_posix() not in SKIPPED
        for place in find_old_words(path, text)
    ]

    assert not found, "\n".join(found)


def test_every_exception_is_still_needed(texts: dict[Path, str]) -> None:
    needed = {
        reason
        for path, text in texts.items()
        if path.suffix in TEXTS and path.as_posix() not in SKIPPED
        for words, where, pattern, reason in EXCEPTIONS
        if re.search(where, path.as_posix())
        for line in (path.as_posix(), *text.splitlines())
        if re.search(pattern, line) and words & {word.lower() for word in WORD.findall(line)}
    }

    assert not (idle := [reason for *_, reason in EXCEPTIONS if reason not in needed]), "\n".join(idle)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("def ask(self, witness: Any) -> None:", "witness"),
        ("class MeterTally:", "tally"),
        ("TOLLS = {}", "tolls"),
        ('log.info("errand.lost")', "errand"),
        ('"""Look at each rung."""', "rung"),
    ],
)
def test_word_is_found_as_part_of_a_name_and_in_prose(line: str, word: str) -> None:
    (place,) = find_old_words(Path("gateway/quartier/example.py"), line)

    assert f"{word}: use {RENAMED[word]}" in place


@pytest.mark.parametrize("line", ["wrung", "doorbell", "depend = suspend", "sightsee", "rotate(rotation)"])
def test_word_inside_another_word_is_not_found(line: str) -> None:
    assert [] == list(find_old_words(Path("gateway/quartier/example.py"), line))
