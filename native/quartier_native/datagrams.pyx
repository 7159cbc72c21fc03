# cython: language_level=3, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled heads of BACnet datagrams; ``reference/datagrams.py`` says what they are, to the last bit."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from quartier_native.tags cimport WHOLE, number_at, whole

from quartier_native.reference.datagrams import DATAGRAM_MAX

cdef enum:
    CONFIRMED = 0
    UNCONFIRMED = 1
    COMPLEX_ACK = 3
    SEGMENT_ACK = 4
    ABORT = 7
    SEGMENT = 8
    BVLC = 0x81
    FORWARDED = 0x04
    UNICAST = 0x0A
    BROADCAST = 0x0B
    VERSION = 1
    IS_NETWORK = 0x80
    HAS_DESTINATION = 0x20
    HAS_SOURCE = 0x08
    SEGMENTED = 0x08
    EVERYWHERE = 0xFFFF
    DEVICE = 8

cdef Py_ssize_t _DATAGRAM_MAX = DATAGRAM_MAX
cdef bytes _NOTHING = b""


def hear(bytes data not None):
    """See ``quartier_native.reference.datagrams.hear``."""
    cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), at = 4
    cdef const uint8_t *mac = NULL
    cdef bytes origin = _NOTHING, source = _NOTHING
    if size < 6 or size > _DATAGRAM_MAX or start[0] != BVLC or <Py_ssize_t>whole(start + 2, 2) != size:
        return None
    if start[1] == FORWARDED:
        if size < 10:
            return None
        at, origin = 10, PyBytes_FromStringAndSize(<const char *>start + 4, 6)
    elif start[1] != UNICAST and start[1] != BROADCAST:
        return None
    at = _network(start, size, at, &mac)
    if at < 0:
        return None
    if mac != NULL:
        source = PyBytes_FromStringAndSize(NULL, 2 + mac[2])
        memcpy(PyBytes_AS_STRING(source), mac, 2)
        memcpy(PyBytes_AS_STRING(source) + 2, mac + 3, mac[2])
    return _message(start, size, at, source, origin)


cdef Py_ssize_t _network(const uint8_t *data, Py_ssize_t size, Py_ssize_t at, const uint8_t **mac) noexcept nogil:
    """Where the APDU begins, -1 where there is none for us; ``mac``: where the source stands."""
    cdef int control
    cdef uint32_t network
    if size < at + 2 or data[at] != VERSION or data[at + 1] & IS_NETWORK:
        return -1
    control = data[at + 1]
    at += 2
    if control & HAS_DESTINATION:
        if size < at + 3 or whole(data + at, 2) != EVERYWHERE:
            return -1
        at += 3 + data[at + 2]
    if control & HAS_SOURCE:
        if size < at + 3 or data[at + 2] == 0 or size < at + 3 + data[at + 2]:
            return -1
        network = <uint32_t>whole(data + at, 2)
        if network == 0 or network == EVERYWHERE:
            return -1
        mac[0] = data + at
        at += 3 + data[at + 2]
    if control & HAS_DESTINATION:
        at += 1
    return at


cdef object _message(const uint8_t *data, Py_ssize_t size, Py_ssize_t at, bytes source, bytes origin):
    cdef int pdu
    cdef bint is_segment
    if size <= at:
        return None
    pdu, is_segment = data[at] >> 4, data[at] & SEGMENTED
    if pdu > ABORT:
        return None
    if pdu == UNCONFIRMED:
        return None if size < at + 2 else (pdu, -1, <int>data[at + 1], at + 2, source, origin)
    at += 2 if pdu == CONFIRMED else 1
    if is_segment and (pdu == CONFIRMED or pdu == COMPLEX_ACK):
        return None if size < at + 4 else (SEGMENT, <int>data[at], <int>data[at + 1], at + 4, source, origin)
    if size < at + (3 if pdu == SEGMENT_ACK else 2):
        return None
    return pdu, <int>data[at], <int>data[at + 1], at + (3 if pdu == SEGMENT_ACK else 2), source, origin


def notice_of(bytes data not None, Py_ssize_t at):
    """See ``quartier_native.reference.datagrams.notice_of``."""
    cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef const uint8_t *place
    cdef const uint8_t *end = start + PyBytes_GET_SIZE(data)
    cdef uint32_t process_id = 0, device = 0, object_id = 0, left_s = 0
    if not 0 <= at <= end - start:
        return None
    place = start + at
    if (
        number_at(&place, end, 0, 1, &process_id) != WHOLE
        or number_at(&place, end, 1, 4, &device) != WHOLE
        or number_at(&place, end, 2, 4, &object_id) != WHOLE
        or number_at(&place, end, 3, 1, &left_s) != WHOLE
        or device >> 22 != DEVICE
    ):
        return None
    return process_id, device & 0x3FFFFF, object_id, left_s, place - start
