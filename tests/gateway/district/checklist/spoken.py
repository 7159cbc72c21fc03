"""A recording as the judge read it: sessions of edge nodes, what each said and heard, in order."""

import json
from dataclasses import dataclass, field
from functools import cached_property

RATE = 10.0
BIRTHS, DATA = ("NBIRTH", "DBIRTH"), ("NDATA", "DDATA")
ASSETS = ("grid", "bat1", "boiler")
WINDOW_MS = 60_000  # the TCK's own (Results.Config.UTCwindow)


def holds_one_of_both(metric):
    """Whether there is a value, or word that there is none."""
    return ("field" in metric) != bool(metric.get("isNull"))


def in_window(said):
    return abs(said.payload["timestamp"] - said.house_ms) <= WINDOW_MS


def counts_up(rounds, kind):
    """Whether each message of this kind has the number of its place among all that the node said since its birth."""
    seen = [
        (place % 256, said.seq) for told in rounds for place, said in enumerate(told) if said.kind == kind
    ]
    return bool(seen) and all(expected == seq for expected, seq in seen)


def is_in_time_order(said):
    times = [metric["timestamp"] for metric in said.metrics if not metric.get("isHistorical")]
    return times == sorted(times)


def names_of(birth):
    """Whatever names a metric later: its name, or its alias."""
    return {metric["name"] for metric in birth.metrics} | {
        metric["alias"] for metric in birth.metrics if "alias" in metric
    }


def unborn(rounds, birth_kind, data_kind):
    """Metrics of data that the births before them did not name."""
    found = set()
    for told in rounds:
        born = {}
        for said in told:
            if said.kind == birth_kind:
                born[said.device] = names_of(said)
            elif said.kind == data_kind:
                named = {metric.get("name", metric.get("alias")) for metric in said.metrics}
                found |= named - born.get(said.device, set())
    return found


def repeats(rounds, kinds):
    """Live values that are the same as the last one told of their metric in the same session."""
    found = []
    for told in rounds:
        last = {}
        for said in (said for said in told if said.kind in kinds and not said.historical):
            for metric in said.metrics:
                key = said.device, metric.get("name", metric.get("alias"))
                now = metric.get("value"), metric.get("isNull"), str(metric.get("properties"))
                if last.get(key) == now:
                    found.append((*key, now))
                last[key] = now
    return found


@dataclass(frozen=True)
class Said:
    """One Sparkplug message, published or as a Will; ``place`` is its chunk of the tape."""

    topic: str
    qos: int
    retain: bool
    payload: dict
    place: int = -1
    house_ms: float = 0.0

    @property
    def levels(self):
        return self.topic.split("/")

    @property
    def kind(self):
        return self.levels[2]

    @property
    def device(self):
        return self.levels[4] if len(self.levels) > 4 else None

    @property
    def seq(self):
        return self.payload.get("seq")

    @property
    def metrics(self):
        return self.payload["metrics"]

    @property
    def historical(self):
        return any(metric.get("isHistorical") for metric in self.metrics)

    def metric(self, name):
        (found,) = [metric for metric in self.metrics if metric.get("name") == name]
        return found

    @property
    def bdseq(self):
        return self.metric("bdSeq")["value"]


@dataclass
class Session:
    """One connection of an edge node: its CONNECT, then all packets of both ways."""

    conn: int
    server: int
    connect: dict
    packets: list = field(default_factory=list)

    @cached_property
    def will(self):
        will = self.connect["will"]
        return Said(will["topic"], will["qos"], will["retain"], will["payload"])

    def way(self, way, cmd):
        return [packet for packet in self.packets if (way, cmd) == (packet["way"], packet["cmd"])]

    @cached_property
    def published(self):
        return [packet["said"] for packet in self.way("up", "publish")]

    def of(self, *kinds):
        return [said for said in self.published if said.kind in kinds]

    @property
    def subscribe(self):
        (packet,) = self.way("up", "subscribe")
        return {one["topic"]: one["qos"] for one in packet["subscriptions"]}

    @property
    def states(self):
        """What was heard of the primary host: packet and message, in order."""
        heard = self.way("down", "publish")
        return [(p["number"], json.loads(p["payload"])) for p in heard if "/STATE/" in p["topic"]]

    def number(self, way, cmd):
        """Where the first packet of this kind stands in the recording."""
        return self.way(way, cmd)[0]["number"]

    def number_of(self, kind):
        """Where the first message of this kind stands in the recording; None where there is none."""
        numbers = [p["number"] for p in self.way("up", "publish") if p["said"].kind == kind]
        return numbers[0] if numbers else None

    @property
    def is_born(self):
        return bool(self.rounds)

    @property
    def bdseqs(self):
        return {birth.bdseq for birth in self.of("NBIRTH")}

    @property
    def leaves(self):
        """Whether it ends on purpose."""
        return bool(self.way("up", "disconnect"))

    @cached_property
    def rounds(self):
        """What was published, one list for each NBIRTH and all after it."""
        found = []
        for said in self.published:
            if said.kind == "NBIRTH":
                found.append([])
            if found:
                found[-1].append(said)
        return found


class Wire:
    """One recording: packets in order, sessions of edge nodes, what a host was given."""

    def __init__(self, found):
        self.marks = found["marks"]
        self.log = found["log"]
        self.origin_s = found["origin_s"]
        self.packets = found["packets"]
        self.sessions, self.others, self.given = [], [], []
        by_conn = {}
        for number, packet in enumerate(self.packets):
            packet["number"] = number
            if packet["cmd"] == "publish" and isinstance(packet["payload"], dict):
                packet["said"] = self._said(packet)
            if packet["cmd"] == "connect":
                session = Session(packet["conn"], found["places"][str(packet["conn"])], packet)
                by_conn[packet["conn"]] = session
                is_node = "will" in packet and "/NDEATH/" in packet["will"]["topic"]
                (self.sessions if is_node else self.others).append(session)
            if packet["conn"] in by_conn:
                by_conn[packet["conn"]].packets.append(packet)
        for session in self.others:
            if session.connect["clientId"] == "host":
                self.given += [p["said"] for p in session.way("down", "publish") if "said" in p]

    def _said(self, packet):
        house_ms = (self.origin_s + (packet["at"] - self.origin_s) * RATE) * 1000
        return Said(
            packet["topic"], packet["qos"], packet["retain"], packet["payload"], packet["chunk"], house_ms
        )

    @cached_property
    def published(self):
        return [said for session in self.sessions for said in session.published]

    @cached_property
    def all(self):
        """Every message of the nodes, Wills among them."""
        return [*self.published, *(session.will for session in self.sessions)]

    def of(self, *kinds):
        found = [said for said in self.published if said.kind in kinds]
        assert found, f"nothing of {kinds} was recorded: nothing is proven"
        return found

    @cached_property
    def rounds(self):
        """Births and all after them until the next ones or the end, deaths of the node left out."""
        return [
            [said for said in told if said.kind != "NDEATH"]
            for session in self.sessions
            for told in session.rounds
        ]

    @cached_property
    def dated(self):
        """What was said by a clock that is right: from the first births on after it became so."""
        since = self.marks.get("trusted", 0)
        births = [said.place for said in self.of("NBIRTH") if said.place >= since]
        return [said for said in self.published if said.place >= births[0]]

    def between(self, first, last=None):
        """What was published between two marks."""
        end = self.marks[last] if last else 10**9
        return [said for said in self.published if self.marks[first] <= said.place < end]
