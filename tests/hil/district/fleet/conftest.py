"""Buildings of a small district, and what a gateway would say, made by hand."""

import json
import struct
from typing import ClassVar

import pytest

from quartier_district.fleet.building_state import BuildingState
from quartier_district.fleet.district_file import DistrictFile
from quartier_district.gateway_session import TopicNames
from quartier_district.sparkplug import encode_bytes, encode_number

NOW_MS = 1_780_000_200_000
"""On a quarter hour."""


class Wire:
    """Messages as a gateway would send them, made field by field."""

    @staticmethod
    def metric(name, value):
        return encode_bytes(
            2,
            encode_bytes(1, name.encode()) + encode_number(4, 10) + b"\x69" + struct.pack("<d", float(value)),
        )

    @classmethod
    def birth(cls, member, now_ms, **values):
        """NBIRTH and the birth of its connection meter; data with ``values`` (asset__quantity) follow."""
        names = member.names
        bdseq = encode_bytes(2, encode_bytes(1, b"bdSeq") + encode_number(4, 4) + encode_number(11, 7))
        member.take(
            f"spBv1.0/{names.group}/NBIRTH/{names.edge}",
            encode_number(1, now_ms) + bdseq + encode_number(3, 0),
            now_ms,
        )
        if values:
            cls.data(member, now_ms, **values)

    @classmethod
    def data(cls, member, now_ms, **values):
        """Live data, a message for each asset."""
        names = member.names
        for name, value in values.items():
            asset, quantity = name.split("__")
            node = asset == "gateway"
            kind, tail = ("NDATA", "") if node else ("DDATA", f"/{asset}")
            metric = cls.metric(f"{asset}.{quantity}" if node else quantity, value)
            member.data_count = getattr(member, "data_count", 0) + 1
            seq = (member.session.seq + 1) % 256
            body = json.dumps({"boot": 1, "first": cls.next(member, asset)}).encode()
            payload = encode_number(1, now_ms) + metric + encode_number(3, seq) + encode_bytes(5, body)
            member.take(f"spBv1.0/{names.group}/{kind}/{names.edge}{tail}", payload, now_ms)

    firsts: ClassVar = {}

    @classmethod
    def next(cls, member, stream):
        key = (id(member), stream)
        cls.firsts[key] = cls.firsts.get(key, 0) + 1
        return cls.firsts[key]

    @staticmethod
    def death(member, now_ms):
        names = member.names
        bdseq = encode_bytes(2, encode_bytes(1, b"bdSeq") + encode_number(4, 4) + encode_number(11, 7))
        member.take(f"spBv1.0/{names.group}/NDEATH/{names.edge}", encode_number(1, now_ms) + bdseq, now_ms)

    @staticmethod
    def ack(member, seq, now_ms, status="ACCEPTED", reception="OK", reason=""):
        body = {
            "id": "x",
            "seq": seq,
            "type": "envelope",
            "reception": reception,
            "status": status,
            "reason": reason,
        }
        member.take(f"{member.names.companion}/ack", json.dumps({**body, "ts": now_ms}).encode(), now_ms)

    @staticmethod
    def report(member, now_ms, devices, grid_w=None):
        body = {
            "ts": now_ms,
            "valid_s": 3_600,
            "forecast": {
                "method": "x",
                "start": now_ms // 900_000 * 900_000,
                "step_s": 900,
                "grid_w": grid_w,
            },
            "devices": devices,
        }
        member.take(f"{member.names.companion}/flexibility", json.dumps(body).encode(), now_ms)


def _roster(count=3, limit_w=20_000.0, transformer=None, **more):
    places = [
        {
            "edge": f"b{place:03d}",
            "contract_import_w": 12_000.0,
            "contract_export_w": 6_000.0,
            "failsafe_import_w": 4_000.0,
            "failsafe_export_w": 1_000.0,
        }
        for place in range(1, count + 1)
    ]
    transformer = transformer or {"import_max_w": limit_w, "export_max_w": 15_000.0}
    return DistrictFile.model_validate({"transformer": transformer, "buildings": places, **more})


@pytest.fixture
def now_ms():
    return NOW_MS


@pytest.fixture
def wire():
    return Wire


@pytest.fixture
def roster():
    return _roster


@pytest.fixture
def members():
    def made(roster):
        return [BuildingState(place, TopicNames(roster.group, place.edge)) for place in roster.buildings]

    return made
