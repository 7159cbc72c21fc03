"""Repair checksums of the frames of meters: each corrects in ``after`` what was correct in ``before``."""

import re

from quartier_drivers.meter.dlms.hdlc import crc_x25
from quartier_drivers.meter.p1.push_decoder import crc_arc
from quartier_drivers.meter.sml.elements import MalformedElement, parse_element, parse_list_head
from quartier_drivers.meter.sml.transport import KERMIT, KERMIT_HIGH_FIRST, X25

_TIC_GROUP = re.compile(rb"\n([^\n\r\x02\x03]{3,})\r")
_P1_TELEGRAM = re.compile(rb"/[^/!]*!([0-9A-Fa-f]{1,4})")
_IEC62056_BLOCK = re.compile(rb"[\x01\x02]([^\x01\x02\x03\x04]*[\x03\x04])(.)", re.DOTALL)
_SML_BEGIN, _SML_END = bytes.fromhex("1b1b1b1b01010101"), bytes.fromhex("1b1b1b1b1a")
_SML_CHECKSUMS = (X25, KERMIT, KERMIT_HIGH_FIRST)
_PARTS = 6
_FLAG, _FORMAT3 = 0x7E, 0xA0


def repair_tic(before: bytes, after: bytearray) -> None:
    """Repair TIC groups (Enedis-NOI-CPT_54E 6.2): in standard mode the sum covers the last separator, too."""
    for found in _TIC_GROUP.finditer(before):
        start, end = found.start(1), found.end(1)
        for covered in (end - 1, end - 2):
            if before[end - 1] == _find_tic_sum(before[start:covered]):
                after[end - 1] = _find_tic_sum(after[start:covered])
                break


def _find_tic_sum(data: bytes | bytearray) -> int:
    return (sum(data) & 0x3F) + 0x20


def repair_p1(before: bytes, after: bytearray) -> None:
    """Repair P1 telegrams (Companion Standard P1, 6.2): over ``/`` to ``!``, both included."""
    for found in _P1_TELEGRAM.finditer(before):
        start, end, checksum = found.start(), found.start(1), found[1]
        if int(checksum, 16) == crc_arc(before[start:end]):
            text = f"{crc_arc(bytes(after[start:end])):0{len(checksum)}X}"[-len(checksum) :].encode()
            after[end : end + len(checksum)] = text.lower() if checksum.islower() else text


def repair_iec62056_block(before: bytes, after: bytearray) -> None:
    """Repair blocks (IEC 62056-21, 5.6): exclusive or from after STX to ETX, ETX included."""
    for found in _IEC62056_BLOCK.finditer(before):
        start, end = found.span(1)
        if before[end] == _find_exclusive_or(before[start:end]):
            after[end] = _find_exclusive_or(after[start:end])


def _find_exclusive_or(data: bytes | bytearray) -> int:
    value = 0
    for byte in data:
        value ^= byte
    return value


def repair_sml(before: bytes, after: bytearray) -> None:
    """Repair SML (BSI TR-03109-1, annex IV): a sum after each message, then one over the frame."""
    at = before.find(_SML_BEGIN)
    while at >= 0:
        tail = before.find(_SML_END, at + len(_SML_BEGIN))
        end = tail + len(_SML_END) + 1
        if tail < 0 or end + 2 > len(before):
            return
        _repair_sml_messages(before, after, at + len(_SML_BEGIN), tail)
        for way in _SML_CHECKSUMS:
            if way.of(before[at:end]) == before[end : end + 2]:
                after[end : end + 2] = way.of(bytes(after[at:end]))
                break
        at = before.find(_SML_BEGIN, end)


def _repair_sml_messages(before: bytes, after: bytearray, at: int, end: int) -> None:
    try:
        while at < end:
            if before[at] == 0:
                at += 1
                continue
            begin = at
            count, at = parse_list_head(before, at)
            if count != _PARTS:
                return
            for _ in range(_PARTS - 2):
                _, at = parse_element(before, at)
            _, checksum_end = parse_element(before, at)
            size = checksum_end - at - 1
            data = before[checksum_end - size : checksum_end].rjust(2, b"\0")
            for way in _SML_CHECKSUMS:
                if way.of(before[begin:at]) == data:
                    after[checksum_end - size : checksum_end] = way.of(bytes(after[begin:at]))[2 - size :]
                    break
            at = checksum_end + 1
    except (MalformedElement, IndexError):
        return


def repair_hdlc(before: bytes, after: bytearray) -> None:
    """Repair HDLC frames (IEC 62056-46, 6.4): the frame check sequence, low byte first."""
    at = before.find(_FLAG)
    while 0 <= at < len(before) - 3:
        size = (before[at + 1] & 0x07) << 8 | before[at + 2]
        end = at + 1 + size - 2
        is_whole = before[at + 1] & 0xF0 == _FORMAT3 and size > 4 and end + 2 < len(before)
        if is_whole and crc_x25(before[at + 1 : end]).to_bytes(2, "little") == before[end : end + 2]:
            after[end : end + 2] = crc_x25(after[at + 1 : end]).to_bytes(2, "little")
            at = end + 1
        at = before.find(_FLAG, at + 1)


def repair_mbus(before: bytes, after: bytearray) -> None:
    """Repair long M-Bus frames (EN 13757-2, 5.5): the sum from the control field on."""
    at = before.find(0x68)
    while 0 <= at < len(before) - 5:
        size = before[at + 1]
        end = at + 4 + size
        is_frame = before[at + 2] == size and before[at + 3] == 0x68 and before[end + 1 : end + 2] == b"\x16"
        if is_frame and sum(before[at + 4 : end]) & 0xFF == before[end]:
            after[end] = sum(after[at + 4 : end]) & 0xFF
            at = end + 1
        at = before.find(0x68, at + 1)
