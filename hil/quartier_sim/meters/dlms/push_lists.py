"""Lists that makers push, each in its own shape: bodies of data-notifications.

Sources: NVE HAN descriptions of Aidon (RJ12 HAN interface 1.7A), Kaifa (KFM_001) and Kamstrup (HAN-NVE
3.1), Landis+Gyr E450 customer interface (Switzerland), EVN "Kundenschnittstelle" of the Kaifa MA309
(Austria).  Norwegian lists: 1 power alone, 2 all that is instantaneous, 3 the counters of the hour as
well.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from quartier_sim.meters.dlms import encoding
from quartier_sim.meters.telegrams import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class HanValues:
    """Powers in W and var, currents in mA, voltages in 0.1 V, counters in Wh and varh; one or three phases.

    The four powers and counters are import, export, reactive import, reactive export.  ``kind`` is the
    type that some meters name; "": that of the maker.
    """

    moment: dt.datetime
    serial: str
    power: tuple[int, int, int, int] = (0, 0, 0, 0)
    energy: tuple[int, int, int, int] = (0, 0, 0, 0)
    milliamps: tuple[int, ...] = (0,)
    decivolts: tuple[int, ...] = (2300,)
    kind: str = ""

    @property
    def three(self) -> bool:
        """Return whether it has three phases."""
        return len(self.decivolts) == 3


POWERS = ("1-0:1.7.0", "1-0:2.7.0", "1-0:3.7.0", "1-0:4.7.0")
ENERGIES = ("1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:4.8.0")
CURRENTS = ("1-0:31.7.0", "1-0:51.7.0", "1-0:71.7.0")
VOLTAGES = ("1-0:32.7.0", "1-0:52.7.0", "1-0:72.7.0")
_UNITS = {"W": 27, "var": 29, "Wh": 30, "varh": 32, "A": 33, "V": 35}
_POWER_UNITS, _ENERGY_UNITS = ("W", "W", "var", "var"), ("Wh", "Wh", "varh", "varh")


@dataclass(frozen=True, slots=True)
class PushBody:
    """Body of a notification, its statements, and its form of the time.

    ``moment`` is the notification's own date-time, b"" for none; ``tagged`` see ``apdu.notification``.
    """

    data: bytes
    says: tuple[Statement, ...]
    moment: bytes = b""
    tagged: bool = False


@dataclass(frozen=True, slots=True)
class _Register:
    """A register: OBIS, kind of number, its count, power of ten, unit."""

    code: str
    kind: str
    count: int
    scaler: int
    unit: str

    @property
    def says(self) -> Statement:
        count, scaler = self.count, self.scaler
        value = count * 10**scaler if scaler >= 0 else round(count / 10**-scaler, -scaler)
        return Statement(self.code, value, self.unit)


def encode_logical_name(code: str) -> bytes:
    """The six bytes of ``1-0:1.7.0`` or ``1-1:0.2.129*255``."""
    body, _, last = code.partition("*")
    medium, rest = body.split(":")
    return bytes((*map(int, medium.split("-")), *map(int, rest.split(".")), int(last or 255)))


def _list_registers(
    load: HanValues, number: int, *, amps: int, amp_kind: str, energy: int
) -> Iterator[_Register]:
    """Registers of a list, currents and counters in steps of ten to the ``amps`` and ``energy``."""
    for code, value, unit in zip(POWERS, load.power, _POWER_UNITS, strict=True):
        yield _Register(code, "uint32", value, 0, unit)
    for code, value in zip(CURRENTS, load.milliamps, strict=False):
        yield _Register(code, amp_kind, value // 10 ** (3 + amps), amps, "A")
    for code, value in zip(VOLTAGES, load.decivolts, strict=False):
        yield _Register(code, "uint16", value, -1, "V")
    if number == 3:
        for code, value, unit in zip(ENERGIES, load.energy, _ENERGY_UNITS, strict=True):
            yield _Register(code, "uint32", value // 10**energy, energy, unit)


def build_aidon_body(load: HanValues, number: int) -> PushBody:
    """An array of structures: OBIS, value and, where it is a number, scaler and unit."""
    lines = list(_list_registers(load, number, amps=-1, amp_kind="int16", energy=1))
    if number == 1:
        return PushBody(encoding.encode_array([_encode_scaled(lines[0])]), (lines[0].says,))
    texts = (("1-1:0.2.129", "AIDON_V0001"), ("0-0:96.1.0", load.serial), ("0-0:96.1.7", "6525"))
    parts = [
        encoding.encode_structure(
            [encoding.encode_octets(encode_logical_name(code)), encoding.encode_visible_string(text)]
        )
        for code, text in texts
    ]
    statements = [Statement(code, text) for code, text in texts]
    parts += [_encode_scaled(line) for line in lines if not line.code.endswith(".8.0")]
    statements += [line.says for line in lines if not line.code.endswith(".8.0")]
    if number == 3:
        moment = encoding.encode_octets(encoding.encode_date_time(load.moment, deviates=False))
        parts.append(
            encoding.encode_structure([encoding.encode_octets(encode_logical_name("0-0:1.0.0")), moment])
        )
        parts += [_encode_scaled(line) for line in lines if line.code.endswith(".8.0")]
        statements += [line.says for line in lines if line.code.endswith(".8.0")]
    return PushBody(encoding.encode_array(parts), tuple(statements))


def _encode_scaled(line: _Register) -> bytes:
    scale = encoding.encode_structure(
        [encoding.encode_number("int8", line.scaler), encoding.encode_enum(_UNITS[line.unit])]
    )
    return encoding.encode_structure(
        [
            encoding.encode_octets(encode_logical_name(line.code)),
            encoding.encode_number(line.kind, line.count),
            scale,
        ]
    )


def build_kaifa_body(load: HanValues, number: int) -> PushBody:
    """Values alone, by their place; the OBIS codes stand in the maker's page.  Currents in mA, 0.1 V."""
    moment = encoding.encode_date_time(load.moment, deviates=False)
    lines = list(_list_registers(load, number, amps=-3, amp_kind="uint32", energy=0))
    if number == 1:
        return PushBody(
            encoding.encode_structure([encoding.encode_number("uint32", lines[0].count)]),
            (lines[0].says,),
            moment,
            tagged=True,
        )
    kind = load.kind or ("MA304H3E" if load.three else "MA105H2E")
    parts = [encoding.encode_octets(text.encode("ascii")) for text in ("KFM_001", load.serial, kind)]
    parts += [
        encoding.encode_number("uint32", line.count) for line in lines if not line.code.endswith(".8.0")
    ]
    if number == 3:
        parts.append(encoding.encode_octets(moment))
        parts += [
            encoding.encode_number("uint32", line.count) for line in lines if line.code.endswith(".8.0")
        ]
    return PushBody(encoding.encode_structure(parts), tuple(line.says for line in lines), moment, tagged=True)


def build_kamstrup_body(load: HanValues, number: int) -> PushBody:
    """One structure of OBIS and value in turn, without scalers: whole V, 0.01 A, counters in 10 Wh."""
    list_id = "Kamstrup_V0001"
    texts = (("1-1:0.0.5", load.serial), ("1-1:96.1.1", load.kind or "6841131BN243101040"))
    parts, statements = (
        [encoding.encode_visible_string(list_id)],
        [Statement(code, text) for code, text in texts],
    )
    for code, text in texts:
        parts += [encoding.encode_octets(encode_logical_name(code)), encoding.encode_visible_string(text)]
    hourly: list[bytes] = []
    for line in _list_registers(load, 3 if number == 3 else 2, amps=-2, amp_kind="uint32", energy=1):
        own = line
        if line.unit == "V":
            own = _Register(line.code, "uint16", line.count // 10, 0, "V")
        code = own.code.replace("1-0:", "1-1:")
        pair = [
            encoding.encode_octets(encode_logical_name(code)),
            encoding.encode_number(own.kind, own.count),
        ]
        if own.code.endswith(".8.0"):
            hourly += pair
        else:
            parts += pair
        statement = own.says
        statements.append(Statement(code, statement.value, statement.unit))
    moment = encoding.encode_date_time(load.moment, deviates=False)
    if number == 3:
        parts += [
            encoding.encode_octets(encode_logical_name("0-1:1.0.0")),
            encoding.encode_octets(moment),
            *hourly,
        ]
    return PushBody(encoding.encode_structure(parts), tuple(statements), moment)


def build_landis_body(load: HanValues, _number: int) -> PushBody:
    """First what is pushed (class, OBIS, attribute, index of each), then the values: units are nobody's."""
    lines = [
        _Register(code, "uint32", value, 0, "")
        for code, value in (*zip(POWERS, load.power, strict=True), *zip(ENERGIES, load.energy, strict=True))
    ]
    listed = [("0-0:1.0.0", 8), ("0-0:96.1.0", 1), *((line.code, 3) for line in lines)]
    objects = encoding.encode_array(
        [
            encoding.encode_structure(
                [
                    encoding.encode_number("uint16", kind),
                    encoding.encode_octets(encode_logical_name(code)),
                    encoding.encode_number("int8", 2),
                    encoding.encode_number("uint16", 0),
                ]
            )
            for code, kind in listed
        ]
    )
    moment = encoding.encode_date_time(load.moment)
    values = [encoding.encode_octets(moment), encoding.encode_octets(load.serial.encode("ascii"))]
    values += [encoding.encode_number(line.kind, line.count) for line in lines]
    statements = (Statement("0-0:96.1.0", load.serial), *(line.says for line in lines))
    return PushBody(encoding.encode_structure([objects, *values]), statements, moment)


def build_austrian_body(load: HanValues, _number: int) -> PushBody:
    """Kaifa MA309 and its kin: one structure of OBIS, value, scaler and unit in turn, the serial last."""
    parts: list[bytes] = []
    statements: list[Statement] = []
    wanted = (*zip(ENERGIES[:2], load.energy, ("Wh",) * 2, strict=False),)
    lines = [_Register(code, "uint32", value, 0, unit) for code, value, unit in wanted]
    lines += [
        _Register(code, "uint32", value, 0, "W") for code, value in zip(POWERS[:2], load.power, strict=False)
    ]
    lines += [
        _Register(code, "uint16", value, -1, "V")
        for code, value in zip(VOLTAGES, load.decivolts, strict=False)
    ]
    lines += [
        _Register(code, "uint16", value // 10, -2, "A")
        for code, value in zip(CURRENTS, load.milliamps, strict=False)
    ]
    for line in lines:
        scale = encoding.encode_structure(
            [encoding.encode_number("int8", line.scaler), encoding.encode_enum(_UNITS[line.unit])]
        )
        parts += [
            encoding.encode_octets(encode_logical_name(line.code)),
            encoding.encode_number(line.kind, line.count),
            scale,
        ]
        statements.append(line.says)
    parts += [
        encoding.encode_octets(encode_logical_name("0-0:96.1.0")),
        encoding.encode_octets(load.serial.encode("ascii")),
    ]
    statements.append(Statement("0-0:96.1.0", load.serial))
    return PushBody(
        encoding.encode_structure(parts), tuple(statements), encoding.encode_date_time(load.moment)
    )


PUSH_SHAPES: Mapping[str, Callable[[HanValues, int], PushBody]] = {
    "aidon": build_aidon_body,
    "kaifa": build_kaifa_body,
    "kamstrup": build_kamstrup_body,
    "landis": build_landis_body,
    "austrian": build_austrian_body,
}
