"""The lists that makers push, each in its own shape: what bodies of data-notifications look like.

Sources: NVE HAN descriptions of Aidon (RJ12 HAN interface 1.7A), Kaifa (KFM_001) and Kamstrup
(HAN-NVE 3.1), Landis+Gyr E450 customer interface (Switzerland), EVN "Kundenschnittstelle" of the
Kaifa MA309 (Austria).  Norwegian lists: 1 power alone, 2 all that is instantaneous, 3 the counters
of the hour as well.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from quartier_hil.devices.meters.dlms import data
from quartier_hil.devices.meters.dlms.load import Load
from quartier_hil.devices.meters.speech import Statement

POWERS = ("1-0:1.7.0", "1-0:2.7.0", "1-0:3.7.0", "1-0:4.7.0")
ENERGIES = ("1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:4.8.0")
CURRENTS = ("1-0:31.7.0", "1-0:51.7.0", "1-0:71.7.0")
VOLTAGES = ("1-0:32.7.0", "1-0:52.7.0", "1-0:72.7.0")
_UNITS = {"W": 27, "var": 29, "Wh": 30, "varh": 32, "A": 33, "V": 35}
_POWER_UNITS, _ENERGY_UNITS = ("W", "W", "var", "var"), ("Wh", "Wh", "varh", "varh")


@dataclass(frozen=True, slots=True)
class Body:
    """Body of a notification, its statements, and its form of the time.

    ``moment`` is the notification's own date-time, b"" for none; ``tagged`` see ``apdu.notification``.
    """

    data: bytes
    says: tuple[Statement, ...]
    moment: bytes = b""
    tagged: bool = False


@dataclass(frozen=True, slots=True)
class _Line:
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


def logical(code: str) -> bytes:
    """The six bytes of ``1-0:1.7.0`` or ``1-1:0.2.129*255``."""
    body, _, last = code.partition("*")
    medium, rest = body.split(":")
    return bytes((*map(int, medium.split("-")), *map(int, rest.split(".")), int(last or 255)))


def _registers(load: Load, number: int, *, amps: int, amp_kind: str, energy: int) -> Iterator[_Line]:
    """Registers of a list, currents and counters in steps of ten to the ``amps`` and ``energy``."""
    for code, value, unit in zip(POWERS, load.power, _POWER_UNITS, strict=True):
        yield _Line(code, "uint32", value, 0, unit)
    for code, value in zip(CURRENTS, load.milliamps, strict=False):
        yield _Line(code, amp_kind, value // 10 ** (3 + amps), amps, "A")
    for code, value in zip(VOLTAGES, load.decivolts, strict=False):
        yield _Line(code, "uint16", value, -1, "V")
    if number == 3:
        for code, value, unit in zip(ENERGIES, load.energy, _ENERGY_UNITS, strict=True):
            yield _Line(code, "uint32", value // 10**energy, energy, unit)


def aidon(load: Load, number: int) -> Body:
    """An array of structures: OBIS, value and, where it is a number, scaler and unit."""
    lines = list(_registers(load, number, amps=-1, amp_kind="int16", energy=1))
    if number == 1:
        return Body(data.array([_scaled(lines[0])]), (lines[0].says,))
    texts = (("1-1:0.2.129", "AIDON_V0001"), ("0-0:96.1.0", load.serial), ("0-0:96.1.7", "6525"))
    parts = [data.structure([data.octets(logical(code)), data.visible(text)]) for code, text in texts]
    says = [Statement(code, text) for code, text in texts]
    parts += [_scaled(line) for line in lines if not line.code.endswith(".8.0")]
    says += [line.says for line in lines if not line.code.endswith(".8.0")]
    if number == 3:
        moment = data.octets(data.moment(load.moment, deviates=False))
        parts.append(data.structure([data.octets(logical("0-0:1.0.0")), moment]))
        parts += [_scaled(line) for line in lines if line.code.endswith(".8.0")]
        says += [line.says for line in lines if line.code.endswith(".8.0")]
    return Body(data.array(parts), tuple(says))


def _scaled(line: _Line) -> bytes:
    scale = data.structure([data.number("int8", line.scaler), data.enum(_UNITS[line.unit])])
    return data.structure([data.octets(logical(line.code)), data.number(line.kind, line.count), scale])


def kaifa(load: Load, number: int) -> Body:
    """Values alone, by their place; the OBIS codes stand in the maker's page.  Currents in mA, 0.1 V."""
    moment = data.moment(load.moment, deviates=False)
    lines = list(_registers(load, number, amps=-3, amp_kind="uint32", energy=0))
    if number == 1:
        return Body(
            data.structure([data.number("uint32", lines[0].count)]), (lines[0].says,), moment, tagged=True
        )
    kind = load.kind or ("MA304H3E" if load.three else "MA105H2E")
    parts = [data.octets(text.encode("ascii")) for text in ("KFM_001", load.serial, kind)]
    parts += [data.number("uint32", line.count) for line in lines if not line.code.endswith(".8.0")]
    if number == 3:
        parts.append(data.octets(moment))
        parts += [data.number("uint32", line.count) for line in lines if line.code.endswith(".8.0")]
    return Body(data.structure(parts), tuple(line.says for line in lines), moment, tagged=True)


def kamstrup(load: Load, number: int) -> Body:
    """One structure of OBIS and value in turn, without scalers: whole V, 0.01 A, counters in 10 Wh."""
    list_id = "Kamstrup_V0001"
    texts = (("1-1:0.0.5", load.serial), ("1-1:96.1.1", load.kind or "6841131BN243101040"))
    parts, says = [data.visible(list_id)], [Statement(code, text) for code, text in texts]
    for code, text in texts:
        parts += [data.octets(logical(code)), data.visible(text)]
    hourly: list[bytes] = []
    for line in _registers(load, 3 if number == 3 else 2, amps=-2, amp_kind="uint32", energy=1):
        own = line
        if line.unit == "V":
            own = _Line(line.code, "uint16", line.count // 10, 0, "V")
        code = own.code.replace("1-0:", "1-1:")
        pair = [data.octets(logical(code)), data.number(own.kind, own.count)]
        if own.code.endswith(".8.0"):
            hourly += pair
        else:
            parts += pair
        told = own.says
        says.append(Statement(code, told.value, told.unit))
    moment = data.moment(load.moment, deviates=False)
    if number == 3:
        parts += [data.octets(logical("0-1:1.0.0")), data.octets(moment), *hourly]
    return Body(data.structure(parts), tuple(says), moment)


def landis(load: Load, _number: int) -> Body:
    """First what is pushed (class, OBIS, attribute, index of each), then the values: units are nobody's."""
    lines = [
        _Line(code, "uint32", value, 0, "")
        for code, value in (*zip(POWERS, load.power, strict=True), *zip(ENERGIES, load.energy, strict=True))
    ]
    listed = [("0-0:1.0.0", 8), ("0-0:96.1.0", 1), *((line.code, 3) for line in lines)]
    objects = data.array(
        [
            data.structure(
                [
                    data.number("uint16", kind),
                    data.octets(logical(code)),
                    data.number("int8", 2),
                    data.number("uint16", 0),
                ]
            )
            for code, kind in listed
        ]
    )
    moment = data.moment(load.moment)
    values = [data.octets(moment), data.octets(load.serial.encode("ascii"))]
    values += [data.number(line.kind, line.count) for line in lines]
    says = (Statement("0-0:96.1.0", load.serial), *(line.says for line in lines))
    return Body(data.structure([objects, *values]), says, moment)


def austrian(load: Load, _number: int) -> Body:
    """Kaifa MA309 and its kin: one structure of OBIS, value, scaler and unit in turn, the serial last."""
    parts: list[bytes] = []
    says: list[Statement] = []
    wanted = (*zip(ENERGIES[:2], load.energy, ("Wh",) * 2, strict=False),)
    lines = [_Line(code, "uint32", value, 0, unit) for code, value, unit in wanted]
    lines += [
        _Line(code, "uint32", value, 0, "W") for code, value in zip(POWERS[:2], load.power, strict=False)
    ]
    lines += [
        _Line(code, "uint16", value, -1, "V") for code, value in zip(VOLTAGES, load.decivolts, strict=False)
    ]
    lines += [
        _Line(code, "uint16", value // 10, -2, "A")
        for code, value in zip(CURRENTS, load.milliamps, strict=False)
    ]
    for line in lines:
        scale = data.structure([data.number("int8", line.scaler), data.enum(_UNITS[line.unit])])
        parts += [data.octets(logical(line.code)), data.number(line.kind, line.count), scale]
        says.append(line.says)
    parts += [data.octets(logical("0-0:96.1.0")), data.octets(load.serial.encode("ascii"))]
    says.append(Statement("0-0:96.1.0", load.serial))
    return Body(data.structure(parts), tuple(says), data.moment(load.moment))


SHAPES: Mapping[str, Callable[[Load, int], Body]] = {
    "aidon": aidon,
    "kaifa": kaifa,
    "kamstrup": kamstrup,
    "landis": landis,
    "austrian": austrian,
}
