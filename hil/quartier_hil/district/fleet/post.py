"""Select the documents to send: envelopes when they change, each again until it is answered (pure)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor

from quartier_hil.district.fleet.council import DIRECTIONS, TOPIC, Caps, Council
from quartier_hil.district.fleet.letters import Letter
from quartier_hil.district.fleet.member import FAILSAFE, SCHEDULE, Member, Standing
from quartier_hil.district.fleet.outlook import Grid
from quartier_hil.district.fleet.roster import Roster
from quartier_hil.district.issuer import Wish, document, envelope

# What a cap may differ from the last one before it is said anew: so many W, or this part of it.
_ALIKE_W, _ALIKE = 100.0, 0.02
_FAILSAFE_MIN_S = 7_200
_EVER_MS = 10 * 366 * 86_400_000


@dataclass(frozen=True, slots=True)
class Post:
    """One message: topic below the companion root of a building, bytes, and until when it counts."""

    edge: str
    topic: str
    payload: bytes
    exp_ms: int
    is_repeated: bool = False


@dataclass
class Writer:
    """Writes the documents of all buildings; numbers rise over all of them and with the clock."""

    roster: Roster
    last_seq: int = 0
    _births: dict[str, int] = field(default_factory=dict)
    _planned_ms: dict[str, int] = field(default_factory=dict)

    def due(self, members: Sequence[Member], council: Council, now_ms: int) -> Iterator[Post]:
        """Everything that is to be published now; it counts as sent."""
        step_ms = self.roster.step_s * 1_000
        grid = Grid(now_ms // step_ms * step_ms, self.roster.step_s, self.roster.promised_steps_count)
        told = council.told_w(members, grid, now_ms)
        for member in members:
            born = member.session.births_count > self._births.get(member.place.edge, 0)
            self._births[member.place.edge] = member.session.births_count
            if born:
                yield self._failsafe(member, now_ms)
            if born or self._differs(member, told, grid, now_ms):
                yield self._envelope(member, told, grid, now_ms)
            yield from self._schedules(member, council, now_ms, born=born)
            for topic, letters in member.letters.items():
                # Who is away gets it retained; who is here did not answer.
                if member.session.online and (letter := letters.due(now_ms)) is not None:
                    yield Post(member.place.edge, topic, letter.payload, letter.exp_ms, is_repeated=True)

    def _seq(self, now_ms: int) -> int:
        self.last_seq = max(self.last_seq + 1, now_ms)
        return self.last_seq

    def _differs(self, member: Member, told: Caps, grid: Grid, now_ms: int) -> bool:
        """Return whether an envelope has to be said anew.

        What loosens waits for the answer to the one before.
        """
        last = member.told(TOPIC).last
        if last is None:
            return True
        is_live = member.standing(now_ms) is Standing.LIVE
        if last.status == "REJECTED":
            # Not each second: what was refused is tried again with the next step.
            return is_live and last.start_ms < grid.start_ms
        more = False
        for direction in DIRECTIONS:
            for at_ms, cap_w in zip(grid.moments_ms, told[direction][member.place.edge], strict=True):
                said_w = last.cap_w(direction, at_ms) or 0.0
                beyond_w = max(_ALIKE_W, _ALIKE * said_w)
                if cap_w < said_w - 1.0 and (at_ms <= now_ms or cap_w < said_w - beyond_w):
                    return True
                more = more or cap_w > said_w + beyond_w
        return more and is_live and last.is_answered

    def _envelope(self, member: Member, told: Caps, grid: Grid, now_ms: int) -> Post:
        edge, seq = member.place.edge, self._seq(now_ms)
        # Rounded down, so that the sum stays below the limit.
        caps_w = {
            direction: tuple(float(floor(watts)) for watts in told[direction][edge])
            for direction in DIRECTIONS
        }
        after_w = {direction: member.place.share_w(direction) for direction in DIRECTIONS}
        exp_ms = now_ms + int(self.roster.valid_h * 3_600_000)
        wish = Wish(
            intervals=[
                {"duration_s": grid.step_s, "import_max_w": bought, "export_max_w": sold}
                for bought, sold in zip(caps_w["import"], caps_w["export"], strict=True)
            ],
            default={"import_max_w": after_w["import"], "export_max_w": after_w["export"]},
            start_ms=grid.start_ms,
            exp_ms=exp_ms,
        )
        payload = envelope(wish, seq, now_ms, member.names.gateway)
        member.told(TOPIC).send(
            Letter(
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
        return Post(edge, TOPIC, payload, exp_ms)

    def _failsafe(self, member: Member, now_ms: int) -> Post:
        """Its share, which counts when we are gone."""
        body = {
            "import_max_w": member.place.failsafe_import_w,
            "export_max_w": member.place.failsafe_export_w,
            "duration_min_s": _FAILSAFE_MIN_S,
        }
        return self._document(member, FAILSAFE, body, now_ms, now_ms + _EVER_MS)

    def _schedules(self, member: Member, council: Council, now_ms: int, *, born: bool) -> Iterator[Post]:
        """Yield what its batteries shall do, once for each plan and after each birth."""
        edge, dated = member.place.edge, council.last
        if dated is None or not member.place.schedules or member.standing(now_ms) is not Standing.LIVE:
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
        self, member: Member, topic: str, body: Mapping[str, object], now_ms: int, exp_ms: int
    ) -> Post:
        seq = self._seq(now_ms)
        payload = document(body, seq, now_ms, member.names.gateway, exp_ms)
        member.told(topic).send(Letter(seq=seq, payload=payload, exp_ms=exp_ms, sent_ms=now_ms))
        return Post(member.place.edge, topic, payload, exp_ms)


def shown(post: Post) -> dict[str, object]:
    """A message for the log."""
    return {
        "edge": post.edge,
        "topic": post.topic,
        "again": post.is_repeated,
        "body": json.loads(post.payload),
    }
