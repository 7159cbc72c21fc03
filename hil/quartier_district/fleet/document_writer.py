"""Select the documents to send, and keep the sent ones over a restart of the district (pure).

Envelopes are sent when they change, each again until it is answered.  Sent documents are saved before
anything
is published: without them a restarted district would count every building at its share, while a building
may
follow a higher limit for the rest of its promised steps.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import floor
from typing import Any

from quartier_district.fleet.building_state import FAILSAFE, SCHEDULE, Availability, BuildingState
from quartier_district.fleet.district_file import DistrictFile
from quartier_district.fleet.limit_allocation import (
    DIRECTIONS,
    ENVELOPE_TOPIC,
    LimitAllocator,
    LimitSeries,
)
from quartier_district.fleet.planning_input import PlanSteps
from quartier_district.fleet.sent_documents import SentDocument
from quartier_district.signed_documents import EnvelopeRequest, make_document, make_envelope


def dump_documents(members: Iterable[BuildingState], last_seq: int) -> str:
    """All letters of all buildings, as JSON text."""
    buildings = {
        member.place.edge: {
            topic: [_dump_document(letter) for letter in letters.sent]
            for topic, letters in member.sent_documents.items()
        }
        for member in members
    }
    return json.dumps({"last_seq": last_seq, "buildings": buildings}, separators=(",", ":"))


def load_documents(members: Iterable[BuildingState], text: str, now_ms: int) -> int:
    """Give the buildings their letters back, but those that have ended; returns the last number used.

    Raises ValueError where the text is none of ours.
    """
    try:
        found = json.loads(text)
        for member in members:
            for topic, letters in found["buildings"].get(member.place.edge, {}).items():
                made = [_load_document(plain) for plain in letters]
                member.find_sent_documents(topic).sent = [letter for letter in made if letter.exp_ms > now_ms]
        return int(found["last_seq"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no letters of a district: {error!r}") from error


def _dump_document(letter: SentDocument) -> dict[str, Any]:
    return {**asdict(letter), "payload": base64.b64encode(letter.payload).decode()}


def _load_document(plain: dict[str, Any]) -> SentDocument:
    caps_w = {direction: tuple(series) for direction, series in plain["caps_w"].items()}
    return SentDocument(**{**plain, "payload": base64.b64decode(plain["payload"]), "caps_w": caps_w})


# What a cap may differ from the last one before it is said anew: so many W, or this part of it.
_TOLERANCE_W, _TOLERANCE_SHARE = 100.0, 0.02
_FAILSAFE_MIN_S = 7_200
_UNLIMITED_MS = 10 * 366 * 86_400_000


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message: topic below the companion root of a building, bytes, and until when it counts."""

    edge: str
    topic: str
    payload: bytes
    exp_ms: int
    is_repeated: bool = False


@dataclass
class DocumentWriter:
    """Writes the documents of all buildings; numbers rise over all of them and with the clock."""

    roster: DistrictFile
    last_seq: int = 0
    _births: dict[str, int] = field(default_factory=dict)
    _planned_ms: dict[str, int] = field(default_factory=dict)

    def due(
        self, members: Sequence[BuildingState], allocator: LimitAllocator, now_ms: int
    ) -> Iterator[OutgoingMessage]:
        """Everything that is to be published now; it counts as sent."""
        step_ms = self.roster.step_s * 1_000
        grid = PlanSteps(now_ms // step_ms * step_ms, self.roster.step_s, self.roster.promised_steps_count)
        limits_w = allocator.compute_limits_w(members, grid, now_ms)
        for member in members:
            born = member.session.births_count > self._births.get(member.place.edge, 0)
            self._births[member.place.edge] = member.session.births_count
            if born:
                yield self._failsafe(member, now_ms)
            if born or self._differs(member, limits_w, grid, now_ms):
                yield self._envelope(member, limits_w, grid, now_ms)
            yield from self._schedules(member, allocator, now_ms, born=born)
            for topic, letters in member.sent_documents.items():
                # Who is away gets it retained; who is here did not answer.
                if member.session.online and (letter := letters.due(now_ms)) is not None:
                    yield OutgoingMessage(
                        member.place.edge, topic, letter.payload, letter.exp_ms, is_repeated=True
                    )

    def _seq(self, now_ms: int) -> int:
        self.last_seq = max(self.last_seq + 1, now_ms)
        return self.last_seq

    def _differs(self, member: BuildingState, limits: LimitSeries, grid: PlanSteps, now_ms: int) -> bool:
        """Return whether an envelope has to be said anew.

        What loosens waits for the answer to the one before.
        """
        last = member.find_sent_documents(ENVELOPE_TOPIC).last
        if last is None:
            return True
        is_live = member.standing(now_ms) is Availability.LIVE
        if last.status == "REJECTED":
            # Not each second: what was refused is tried again with the next step.
            return is_live and last.start_ms < grid.start_ms
        more = False
        for direction in DIRECTIONS:
            for at_ms, cap_w in zip(grid.step_starts_ms, limits[direction][member.place.edge], strict=True):
                sent_w = last.cap_w(direction, at_ms) or 0.0
                beyond_w = max(_TOLERANCE_W, _TOLERANCE_SHARE * sent_w)
                if cap_w < sent_w - 1.0 and (at_ms <= now_ms or cap_w < sent_w - beyond_w):
                    return True
                more = more or cap_w > sent_w + beyond_w
        return more and is_live and last.is_answered

    def _envelope(
        self, member: BuildingState, limits: LimitSeries, grid: PlanSteps, now_ms: int
    ) -> OutgoingMessage:
        edge, seq = member.place.edge, self._seq(now_ms)
        # Rounded down, so that the sum stays below the limit.
        caps_w = {
            direction: tuple(float(floor(watts)) for watts in limits[direction][edge])
            for direction in DIRECTIONS
        }
        after_w = {direction: member.place.share_w(direction) for direction in DIRECTIONS}
        exp_ms = now_ms + int(self.roster.valid_h * 3_600_000)
        request = EnvelopeRequest(
            intervals=[
                {"duration_s": grid.step_s, "import_max_w": bought, "export_max_w": sold}
                for bought, sold in zip(caps_w["import"], caps_w["export"], strict=True)
            ],
            default={"import_max_w": after_w["import"], "export_max_w": after_w["export"]},
            start_ms=grid.start_ms,
            exp_ms=exp_ms,
        )
        payload = make_envelope(request, seq, now_ms, member.names.gateway)
        member.find_sent_documents(ENVELOPE_TOPIC).send(
            SentDocument(
                seq=seq,
                payload=payload,
                exp_ms=exp_ms,
                sent_ms=now_ms,
                start_ms=grid.start_ms,
                step_ms=grid.step_s * 1_000,
                caps_w=caps_w,
                after_w=after_w,
            )
        )
        return OutgoingMessage(edge, ENVELOPE_TOPIC, payload, exp_ms)

    def _failsafe(self, member: BuildingState, now_ms: int) -> OutgoingMessage:
        """Its share, which counts when we are gone."""
        body = {
            "import_max_w": member.place.failsafe_import_w,
            "export_max_w": member.place.failsafe_export_w,
            "duration_min_s": _FAILSAFE_MIN_S,
        }
        return self._document(member, FAILSAFE, body, now_ms, now_ms + _UNLIMITED_MS)

    def _schedules(
        self, member: BuildingState, allocator: LimitAllocator, now_ms: int, *, born: bool
    ) -> Iterator[OutgoingMessage]:
        """Yield what its batteries shall do, once for each plan and after each birth."""
        edge, dated = member.place.edge, allocator.last
        if dated is None or not member.place.schedules or member.standing(now_ms) is not Availability.LIVE:
            return
        if not born and self._planned_ms.get(edge) == dated.grid.start_ms:
            return
        lot = dated.plan.lots.get(edge)
        if lot is None or lot.battery_w is None:
            return
        self._planned_ms[edge] = dated.grid.start_ms
        steps = [{"duration_s": dated.grid.step_s, "power_w": round(watts)} for watts in lot.battery_w]
        exp_ms = dated.grid.start_ms + dated.grid.count * dated.grid.step_s * 1_000
        for asset in member.place.schedules[:1]:
            body = {"asset": asset, "start": dated.grid.start_ms, "intervals": steps}
            yield self._document(member, f"{SCHEDULE}/{asset}", body, now_ms, exp_ms)

    def _document(
        self, member: BuildingState, topic: str, body: Mapping[str, object], now_ms: int, exp_ms: int
    ) -> OutgoingMessage:
        seq = self._seq(now_ms)
        payload = make_document(body, seq, now_ms, member.names.gateway, exp_ms)
        member.find_sent_documents(topic).send(
            SentDocument(seq=seq, payload=payload, exp_ms=exp_ms, sent_ms=now_ms)
        )
        return OutgoingMessage(member.place.edge, topic, payload, exp_ms)


def make_log_entry(post: OutgoingMessage) -> dict[str, object]:
    """A message for the log."""
    return {
        "edge": post.edge,
        "topic": post.topic,
        "again": post.is_repeated,
        "body": json.loads(post.payload),
    }
