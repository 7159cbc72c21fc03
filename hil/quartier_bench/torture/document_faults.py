"""Faults of the district: documents that must not act, a restored district, an old key, a kill after
acceptance.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any

from quartier_bench.torture import bad_documents
from quartier_bench.torture.testbed import FaultBench, StateNotReached
from quartier_district.signed_documents import SigningKey, make_document

HEARTBEAT_KEY_TYPES = ("heartbeat",)
# So many are under way at once: a gateway keeps so many acks for a district that is away.
IN_FLIGHT_MAX = 24
GROWTH_MAX_MB = 8.0
_LIMIT_W = 70_000.0
SLOW_METER_SHARE, _TOLERANCE_W = 0.9, 0.4
_SHED_DURATION_S = 600.0
_COMMAND_VALID_MS = 60_000
_ANSWER_STATUSES = frozenset({"ACCEPTED", "STARTED", "SUCCEEDED", "ABORTED", "REJECTED"})
_PAUSE_S = (0.2, 1.0)


async def send_bad_documents(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """A thousand bad documents a round: the right reason each, no effect, no latch, memory flat."""
    recorder = stand.recorder
    heartbeat_key = stand.keys[0][0]
    desk = bad_documents.DocumentSigners(
        recorder.names, recorder.key, SigningKey.fresh("stranger"), heartbeat_key
    )
    cap_w, accepted = _LIMIT_W, await send_good_document(stand, desk, _LIMIT_W)
    kinds: Counter[str] = Counter()
    warm_mb, began_s = 0.0, time.monotonic()
    for number in range(rounds):
        batch = []
        for place in range(1_000):
            seq, now_ms = recorder.next_seq(), stand.clock.utc_ms()
            batch.append(
                bad_documents.draw_bad_document(desk, dice, 1_000 * number + place, seq, now_ms, accepted)
            )
            if len(batch) == IN_FLIGHT_MAX or place == 999:
                await _send_and_check(stand, batch)
                kinds.update(document.kind for document in batch)
                batch = []
        if not await is_limit_in_force(stand, cap_w):
            raise StateNotReached(
                f"a refused document moved the cap: {await _read_import_limit_w(stand)} W, not {cap_w} W"
            )
        cap_w -= 1.0  # what tightens acts at once, heartbeat or not
        accepted = await send_good_document(stand, desk, cap_w)
        warm_mb = warm_mb or stand.daemon.memory_mb
    await stand.until("the last answer", lambda: not recorder.told.prompt.waiting_count, 20.0)
    grown_mb = stand.daemon.memory_mb - warm_mb
    stand.figures |= recorder.told.prompt.figures
    stand.figures |= {
        "documents": sum(kinds.values()),
        "kinds": len(kinds),
        "per_s": sum(kinds.values()) / (time.monotonic() - began_s),
        "memory_grown_mb": grown_mb,
    }
    if grown_mb > GROWTH_MAX_MB:
        raise StateNotReached(f"memory grew by {grown_mb:.1f} MB over {sum(kinds.values())} documents")
    if fault := recorder.told.prompt.fault:
        raise StateNotReached(fault)


async def send_good_document(
    stand: FaultBench, desk: bad_documents.DocumentSigners, import_max_w: float
) -> int:
    """Send a good document and wait until it acts; returns its number.  Raises GivenUp: a latch."""
    seq = stand.recorder.next_seq()
    document = bad_documents.make_good_document(desk, seq, stand.clock.utc_ms(), import_max_w)
    stand.recorder.told.prompt.ask(seq, time.monotonic())
    stand.recorder.publish_unchecked(document.topic, document.payload, document.signature)

    await stand.until(
        f"the good document {document.ident} acts", lambda: is_limit_in_force(stand, import_max_w), 20.0
    )
    return seq


async def _send_and_check(stand: FaultBench, batch: list[bad_documents.DrawnDocument]) -> None:
    """Publish the batch and compare each answer with the expected one; answers come in the same order."""
    messages = stand.recorder.told
    before = len(messages.acks)
    for document in batch:
        stand.recorder.publish_unchecked(document.topic, document.payload, document.signature)

    def is_answered() -> bool:
        refused = [ack for ack in messages.acks[before:] if ack["status"] == "REJECTED"]
        return len(refused) >= len(batch)

    await stand.until(f"answers to {len(batch)} documents", is_answered, 20.0)
    answers = [ack for ack in messages.acks[before:] if ack["status"] == "REJECTED"]
    for document, ack in zip(batch, answers, strict=False):
        expected = {"id": document.ident[:64], "reception": document.reception, "reason": document.reason}
        if {name: ack.get(name) for name in expected} != expected:
            raise StateNotReached(f"{document.kind}: answered {ack}, expected {expected}")
    del messages.acks[: len(messages.acks) - IN_FLIGHT_MAX]


async def restore_district(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """Restore the district from a backup without its memory of the day: the gateway accepts it at once."""
    desk = make_document_signers(stand)
    for number in range(rounds):
        await send_good_document(stand, desk, _LIMIT_W - 2.0 * number)
        await stand.pass_s(dice.uniform(10.0, 60.0))
        stand.recorder.forget_numbers()
        await send_good_document(stand, desk, _LIMIT_W - 2.0 * number - 1.0)


async def use_old_key(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """A second district with the old key, after the new one was used: refused, and an alarm."""
    recorder, (old, _) = stand.recorder, stand.keys[1]
    desk = make_document_signers(stand)
    theirs = bad_documents.DocumentSigners(recorder.names, old, old, old)
    for number in range(rounds):
        await send_good_document(stand, desk, _LIMIT_W - number)
        seq, now_ms = recorder.next_seq(), stand.clock.utc_ms()
        body = bad_documents.make_envelope_body(theirs, seq, now_ms, _LIMIT_W * dice.uniform(2.0, 3.0))
        payload = bad_documents.encode_body(body)
        topic = theirs.topic
        document = bad_documents.DrawnDocument(
            "usurped", topic, payload, old.sign(topic, payload), body["id"], "INVALID_CONTENT", "BAD_SIG"
        )
        await _send_and_check(stand, [document])
        if not await is_limit_in_force(stand, _LIMIT_W - number):
            raise StateNotReached(f"the old key moved the cap to {await _read_import_limit_w(stand)} W")


async def send_documents_forever(stand: FaultBench, dice: random.Random) -> None:
    """For ever, a good envelope or a command every now and then, each to be answered in its time."""
    desk, prompt, number = make_document_signers(stand), stand.recorder.told.prompt, 0
    while True:
        number += 1
        seq, now_ms = stand.recorder.next_seq(), stand.clock.utc_ms()
        topic, payload = (
            desk.topic,
            bad_documents.encode_body(bad_documents.make_envelope_body(desk, seq, now_ms, _LIMIT_W)),
        )
        if number % 2:
            topic, payload = f"{desk.names.companion}/command", _make_command(stand, {"op": "ping"}, seq)
        prompt.ask(seq, time.monotonic())
        stand.recorder.say(topic, payload)
        await asyncio.sleep(dice.uniform(*_PAUSE_S))


async def kill_after_acceptance(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """The gateway is killed at the word ACCEPTED: started again, it knows the command and goes on with it."""
    messages, topic = stand.recorder.told, f"{stand.recorder.names.companion}/command"
    for number in range(rounds):
        seq = stand.recorder.next_seq()
        payload = _make_command(
            stand, {"op": "shed", "level": 1, "duration_s": _SHED_DURATION_S + number}, seq
        )
        stand.recorder.say(topic, payload)
        await stand.until(
            "the command is accepted", partial(_has_ack, messages.acks, 0, seq, {"ACCEPTED"}), 20.0
        )
        await stand.daemon.kill()
        before, births = len(messages.acks), messages.session.births_count
        await stand.daemon.start()
        await stand.wait_for_birth(since=births)
        stand.recorder.say(topic, payload)
        await stand.until(
            "it is answered again", partial(_has_ack, messages.acks, before, seq, _ANSWER_STATUSES)
        )
        if _has_ack(messages.acks, before, seq, {"ABORTED", "REJECTED"}):
            raise StateNotReached(
                f"a command that was accepted is not known after a kill: {messages.acks[before:]}"
            )
        await stand.pass_s(dice.uniform(0.0, 1.0))


def _has_ack(acks: list[dict[str, Any]], since: int, seq: int, statuses: AbstractSet[str]) -> bool:
    return any(ack["seq"] == seq and ack["status"] in statuses for ack in acks[since:])


def _make_command(stand: FaultBench, asked: dict[str, Any], seq: int) -> bytes:
    now_ms = stand.clock.utc_ms()
    return make_document(asked, seq, now_ms, stand.recorder.names.gateway, now_ms + _COMMAND_VALID_MS)


async def is_limit_in_force(stand: FaultBench, import_max_w: float) -> bool:
    """Return whether an import cap is in force; 10 % less with a slow meter (spec/failsafe.md#meter-slow)."""
    found_w = await _read_import_limit_w(stand)
    return (
        found_w is not None
        and min(abs(found_w - share * import_max_w) for share in (1.0, SLOW_METER_SHARE)) < _TOLERANCE_W
    )


def make_document_signers(stand: FaultBench) -> bad_documents.DocumentSigners:
    """One where the recorder's key is everybody's."""
    key = stand.recorder.key
    return bad_documents.DocumentSigners(stand.recorder.names, key, key, key)


async def _read_import_limit_w(stand: FaultBench) -> float | None:
    status: Any = await stand.status()
    return None if status is None else status["control"]["caps"]["import"]["max_w"]
