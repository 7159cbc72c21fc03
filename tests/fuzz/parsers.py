"""What is fuzzed: one function a parser, which takes any bytes and must only ever return.

It holds the parser to what all of them promise: no exception, the same result for any chunking, and no
more bytes kept than a few frames.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from zlib import crc32

import frames
import texts

CORPUS = Path(__file__).parent / "corpus"
METERS = ("tic", "p1", "iec62056", "sml", "dlms", "mbus")
KEPT_MAX_BYTES = 256 * 1024
_MEASURED_EACH = 16


def chunks(data: bytes) -> list[bytes]:
    """The same bytes in pieces, whose sizes the data choose."""
    sizes = [1 + byte % 40 for byte in data[:7]] or [1]
    found, at = [], 0
    while at < len(data):
        size = sizes[len(found) % len(sizes)]
        found.append(data[at : at + size])
        at += size
    return found


def kept_bytes(thing: object, depth: int = 6) -> int:
    """How many bytes and items an object holds, its own attributes followed."""
    if isinstance(thing, bytes | bytearray | str):
        return len(thing)
    if depth == 0 or thing is None or isinstance(thing, int | float | type) or callable(thing):
        return 0
    if isinstance(thing, Mapping):
        return sum(
            8 + kept_bytes(key, depth - 1) + kept_bytes(value, depth - 1) for key, value in thing.items()
        )
    if isinstance(thing, list | tuple | set | frozenset):
        return sum(8 + kept_bytes(item, depth - 1) for item in thing)
    names = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    names = names or list(getattr(type(thing), "__match_args__", ()))  # compiled
    names += list(getattr(thing, "__dict__", {}))
    return sum(kept_bytes(getattr(thing, name, None), depth - 1) for name in names if name != "__weakref__")


def modbus_tcp(data: bytes) -> None:
    """Answers of a TCP endpoint, for each kind of request."""
    frame = import_module("quartier_drivers.modbus.frames")
    for request in _requests():
        buffer = bytearray(data)
        try:
            while frame.take_tcp_answer(buffer, request, 1, frame.LateAnswers()) is not None:
                pass
        except (frame.GarbledAnswer, frame.OutOfSync):
            pass
        assert len(buffer) <= len(data)


def modbus_rtu(data: bytes) -> None:
    """Bytes on a serial line while an answer is hunted for."""
    for request in _requests():
        whole, pieces = _hunted(request, [data]), _hunted(request, chunks(data))
        # Once something was refused the line goes quiet before anything else is asked: no more to compare.
        if whole is not None and pieces is not None:
            assert whole.data == pieces.data


def modbus_share(data: bytes) -> None:
    """What clients of a share send: the same requests whole and in pieces, each passed on or refused in order."""
    once, many = _shared([data]), _shared(chunks(data))
    assert once == many, "other requests in other chunks"


def _shared(pieces: Iterable[bytes]) -> list:
    share = "quartier_drivers.modbus.sharing"
    intakes, asked = import_module(f"{share}.client_requests"), import_module(f"{share}.client_requests")
    frame = import_module("quartier_drivers.modbus.frames")
    intake, told = intakes.FrameSplitter(), []
    for piece in pieces:
        intake.feed(piece)
        try:
            while (one := intake.take()) is not None:
                assert 1 <= len(one.pdu) <= 253
                try:
                    found = asked.parse_request(one.unit, one.pdu)
                except asked.RequestRefused as refusal:
                    told.append((one, {1: 1, 2: 2, 3: 3}[refusal.code]))
                else:
                    assert found.request.pdu == one.pdu, "what goes out is what came"
                    told.append((one, found))
        except frame.OutOfSync:
            told.append("out of step")
            break
        assert kept_bytes(intake) <= 300 + len(piece)
    return told


@cache
def _requests() -> list:
    request = import_module("quartier_drivers.modbus.frames").Request
    return [
        request(1, 3, 0, 2),
        request(1, 3, 0, 125),
        request(17, 4, 100, 10),
        request(1, 1, 0, 19),
        request(1, 2, 0, 2000),
        request(1, 6, 7, 1, (3,)),
        request(1, 16, 7, 2, (3, 4)),
        request(1, 23, 0, 2, (5,)),
        request(1, 43, 0, 0),
    ]


def _hunted(request, pieces):
    """The answer, if it came before anything was refused."""
    frame = import_module("quartier_drivers.modbus.frames")
    hunt = frame.RtuAnswerSearch(request)
    for piece in pieces:
        try:
            answer = hunt.feed(piece)
        except frame.GarbledAnswer:
            return None
        if hunt.wrong_count:
            return None
        if answer is not None:
            if request.function == frame.READ_DEVICE_ID:
                frame.parse_identity(answer)
            return answer
        assert len(hunt.buffer) <= 1024 + len(piece)
    return None


def meter(protocol: str, data: bytes) -> None:
    """A meter's decoder: whole and in pieces."""
    decoder = import_module(f"quartier_drivers.meter.{protocol}").decoder
    whole = decoder()
    once = [*whole.feed(data), *whole.end()]
    assert whole.counts.bytes_count == len(data)
    _compare(once, whole, decoder, data)


def _compare(once: list, whole: object, decoder: Callable[[], object], data: bytes) -> None:
    """Each second input comes in pieces, too, and of some it is asked what was kept: both take their time."""
    lot = crc32(data)
    if lot % _MEASURED_EACH == 0:
        assert kept_bytes(whole) <= KEPT_MAX_BYTES
    if lot & 1:
        return
    pieces = decoder()
    many = [telegram for piece in chunks(data) for telegram in pieces.feed(piece)] + pieces.end()
    assert once == many or repr(once) == repr(many), "another result in other chunks"  # no NaN equals another
    assert whole.counts == pieces.counts, "other counts in other chunks"


def framed(protocol: str, data: bytes) -> None:
    """The same with a sound frame around the data, and behind it the data themselves."""
    meter(protocol, getattr(frames, protocol)(data) + data)


def p1_sealed(data: bytes) -> None:
    """Encrypted P1: the data as they are, opened in a frame that holds, and as the frame's own header."""
    decoder = partial(import_module("quartier_drivers.meter.p1").decoder, encryption_key=frames.KEY)
    capture = data + frames.p1_sealed(data) + b"\xdb\x08" + data
    whole = decoder()
    _compare([*whole.feed(capture), *whole.end()], whole, decoder, capture)


def dlms_client(data: bytes) -> None:
    """A client whose meter answers anything: it reads, or says in words why not."""
    dlms, errors = import_module("quartier_drivers.meter.dlms"), import_module("quartier_drivers.errors")
    wanted = ("0-0:96.1.0", "1-0:1.8.0", "0-0:1.0.0", "1-0:99.1.0")
    keys = {"encryption_key": bytes(16), "authentication_key": bytes(16)}
    security = "high" if data[:1] == b"\x01" else "none"
    for over_tcp in (True, False):
        talk = dlms.reader(unit=1, wanted=wanted, over_tcp=over_tcp, security=security, **keys).read()
        answers, asks = _answers(data[1:], over_tcp=over_tcp), 0
        try:
            next(talk)
            while asks < 200 + len(data):  # each time-out, and each answer
                talk.send(next(answers, b""))
                asks += 1
        except (StopIteration, errors.NoReply, errors.Refused):
            continue
        raise AssertionError("a conversation without end")


def _answers(data: bytes, *, over_tcp: bool) -> Iterator[bytes]:
    """Answers, each with its length before it, in frames that hold."""
    hdlc, at, number = import_module("quartier_drivers.meter.dlms.hdlc"), 0, 0
    if not over_tcp:
        yield hdlc.make_frame(b"\x21", b"\x03", 0x73)
    while at < len(data):
        body = data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
        if over_tcp:
            yield b"\0\x01\0\x01\0\x10" + len(body).to_bytes(2, "big") + body
        else:
            yield hdlc.make_frame(b"\x21", b"\x03", 0x10 | number << 1 & 0x0E, hdlc.LLC_HEARD + body)
            number += 1


def sunspec(data: bytes) -> None:
    """A SunSpec device whose whole map are these words behind the marker, read model by model."""
    chain = import_module("quartier_drivers.sunspec.model_chain")
    census = import_module("quartier_drivers.sunspec.model_reading")
    held = [0x5375, 0x6E53, *(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data) - 1, 2))]
    walk = chain.walk_chain((0,))
    ask, told, asked_count = next(walk), None, 0
    while told is None and asked_count < 3 * chain.MODELS_MAX + 10:
        words = held[ask.address : ask.address + ask.count]
        asked_count += 1
        try:
            ask = walk.send(words if len(words) == ask.count else chain.NoWords.REFUSED)
        except StopIteration as ended:
            told = ended.value
    assert told is not None
    for found in told.models:
        whole = [held[at] if at < len(held) else None for at in range(found.address, min(found.end, 4000))]
        whole += [None] * (found.end - found.address - len(whole))
        rows = census.ModelReading(found, whole).rows
        assert len(rows) <= found.length + 2


def bacnet(data: bytes) -> None:
    """A device on a BACnet network whose datagram, answer or notification the bytes are."""
    room = "quartier_drivers.bacnet"
    answers, denials = import_module(f"{room}.codec.answers"), import_module(f"{room}.codec.device_errors")
    for datagram in (data, *(frames.bacnet(head, data) for head in frames.BACNET_HEADS)):
        heard = answers.hear(datagram)
        if heard is None:
            continue
        for read in _bacnet_reads():
            try:
                told = read.take(datagram, heard)
            except (denials.DeviceRefused, denials.GarbledAnswer):
                continue
            told = getattr(told, "answer", told)
            for place in range(min(3, len(told))):
                assert told.denial(place) is None or not told.elements(place)[2:]


# The head of an answer to a Read: its type, when it was sent, no diagnostics, no texts, nothing more.
_OPCUA_HEAD = bytes.fromhex("01007a02" + "00" * 16 + "00" + "00000000" + "000000")


def opcua(data: bytes) -> None:
    """An OPC UA server whose answer to a Read, or whose values, the bytes are."""
    answer = import_module("quartier_drivers.opcua.connection.read_response")
    for count in (1, 3):
        for body in (data, _OPCUA_HEAD + count.to_bytes(4, "little") + data):
            try:
                told = answer.parse_answer(body, count)
            except answer.GarbledAnswer:
                continue
            assert len(told.values) == count


@cache
def _bacnet_reads() -> list:
    answers = import_module("quartier_drivers.bacnet.codec.answers")
    refs = _bacnet_refs()
    return [
        answers.PreparedNotification(refs[:2]),
        answers.PreparedRead(refs),
        answers.PreparedRead(refs[:1]),
        answers.PreparedRead(refs[3:4]),
    ]


def _bacnet_refs() -> list:
    ref = import_module("quartier_native.reference.properties").Ref
    rows = (
        (0, 1, 85),
        (0, 1, 111),
        (2, 1, 87),
        (2, 1, 87, 1),
        (8, 4194303, 76),
        (8, 1, 77),
        (0, 2, 85),
        (1023, 4194303, 4194303),
    )
    return [ref(*row) for row in rows]


def twins(kernel: str, data: bytes) -> None:
    """A kernel of BACnet and its twin, given the same bytes: they say the same."""
    said = [TOLD[kernel](import_module(f"{package}.{kernel}"), data) for package in PACKAGES]
    assert said[0] == said[1], "the kernel says something else than its twin"


def _datagrams(module, data: bytes) -> object:
    return module.hear(data), [module.notice_of(data, at) for at in range(min(len(data), 9))]


def _properties(module, data: bytes) -> object:
    reader, told = module.PropertyReader(_bacnet_refs()), []
    for at in (0, 3) if len(data) >= 3 else (0,):
        found = (reader.multiple(data, at), reader.single(data, at), reader.changes(data, at, 1))
        told += [(how, values.tobytes(), kinds, spans.tobytes()) for how, values, kinds, spans in found]
    return told


PACKAGES = ("quartier_native", "quartier_native.reference")
TOLD = {
    "datagrams": _datagrams,
    "properties": _properties,
}


def parsers() -> dict[str, Callable[[bytes], None]]:
    """Each parser by name, its code imported; those of the meters only as far as they are there."""
    import_module("quartier_drivers.modbus.frames")
    found: dict[str, Callable[[bytes], None]] = {"modbus-tcp": modbus_tcp, "modbus-rtu": modbus_rtu}
    found["modbus-share"] = modbus_share
    found["sunspec"] = sunspec
    found["bacnet"] = bacnet
    found["opcua"] = opcua
    for protocol in METERS:
        try:
            import_module(f"quartier_drivers.meter.{protocol}").decoder  # noqa: B018 - is it there
        except (ImportError, AttributeError):
            continue
        found[protocol] = partial(meter, protocol)
        found[f"{protocol}-framed"] = partial(framed, protocol)
    if "p1" in found:
        found["p1-sealed"] = p1_sealed
    if "dlms" in found:
        found["dlms-client"] = dlms_client
    found |= texts.texts()
    found |= {f"{kernel}-twins": partial(twins, kernel) for kernel in TOLD}
    return found


def kept(name: str) -> list[bytes]:
    """The kept inputs of a parser: one a line, in hex."""
    path = CORPUS / f"{name}.hex"
    return [bytes.fromhex(line) for line in path.read_text().splitlines()] if path.exists() else []


def keep(name: str, inputs: Iterable[bytes]) -> None:
    """Keep these inputs and no others; the shortest first."""
    CORPUS.mkdir(exist_ok=True)
    lines = sorted({data.hex() for data in inputs if data}, key=lambda line: (len(line), line))
    (CORPUS / f"{name}.hex").write_text("".join(f"{line}\n" for line in lines))
