"""What Quartier asks of the protocols of meters."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from quartier_drivers.protocol import AskingTime, Protocol
from quartier_drivers.registry import load_object

if TYPE_CHECKING:
    from quartier_drivers.contract import DeviceSpec
    from quartier_drivers.device_profile.schema import Section
    from quartier_drivers.transport.frame_recorder import RecordedFrame

# AARQ of IEC 62056-5-3 (7.3): the object of mechanism 1 (low level security), then the password.
_LOW_LEVEL_PASSWORD = re.compile(rb"\x8b\x07\x60\x85\x74\x05\x08\x02\x01\xac(.)\x80(.)", re.DOTALL)
_MASK_BYTE = ord("*")


@dataclass(frozen=True, kw_only=True)
class MeterProtocol(Protocol):
    """A protocol of meters, whose telegrams contain groups where other devices have registers."""

    factory: str = "quartier_drivers.meter.driver:FACTORY"
    endpoint_keys: tuple[str, ...] = ("port",)
    profile_check: str = "quartier_drivers.meter.profile:MeterCheck"
    lint: str = "quartier_drivers.meter.lint:find_findings"
    vectors: str = "quartier_drivers.meter.discovery.capture_decoding:decode_vector"
    is_stream: bool = True
    identifies: str = "is_obis_identifier"
    """The function of ``identifiers`` that says whether a group identifies the meter."""
    masked_settings: Sequence[Mapping[str, Any]] = ({},)
    """Settings of the decoders that look for identifiers."""
    repairers: Sequence[str] = ()
    """The functions of ``checksum_repair`` for its frames."""
    decoder_settings: str
    """The model of ``schema`` for the table ``[decoder]`` of its profiles."""
    decoder_words: Sequence[str] = ()
    """What its decoder wants to know of the wire: ``is_capture``, ``over_tcp``."""
    takes_password: bool = False
    """Its reader takes the password of the key file."""
    sure_count: int = 1
    """Good groups that prove it on a port: many where each has a short checksum of its own."""
    listening_settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of its decoder that read whatever any profile reads."""
    listens_as_capture: bool = False
    """One telegram without a check proves it on a port; an old P1 meter sends it every 10 s."""
    many_values_fit: bool = False
    """Its meters have values in common: a profile must read half of its values to be confirmed by them."""
    cable: str = "cable or dongle"
    """What to look at where no byte is received."""
    ground: str = "ground or pull-up of the dongle"
    """What to look at where many checksums are wrong."""

    def find_identifiers(self, data: bytes) -> Iterator[str]:
        """Yield the identifiers in the bytes of a line, as text.  Raises EncryptedError."""
        plain = bytes(byte & 0x7F for byte in data) if self.has_seven_bits else data
        find = load_object("quartier_drivers.meter.masking.identifiers:find_identifiers")
        is_identifying = load_object(f"quartier_drivers.meter.masking.identifiers:{self.identifies}")
        yield from find(self.name, plain, is_identifying, self.masked_settings)

    def repair_checksums(self, before: bytes, after: bytearray) -> None:
        """Correct in ``after`` each checksum that was correct in ``before``; both have the same length."""
        for name in self.repairers:
            load_object(f"quartier_drivers.meter.masking.checksum_repair:{name}")(before, after)

    def load_decoder_settings(self) -> "type[Section]":
        """Return the model of the table ``[decoder]`` of its profiles."""
        return cast("type[Section]", load_object(f"quartier_drivers.meter.schema:{self.decoder_settings}"))


class _DlmsProtocol(MeterProtocol):
    """DLMS/COSEM."""

    def hide_password(self, frame: "RecordedFrame") -> "RecordedFrame":
        """Return a frame without the password of low level security, with a correct checksum."""
        found = _LOW_LEVEL_PASSWORD.search(frame.data) if frame.way == "out" else None
        if found is None:
            return frame
        start, size = found.end(), found[2][0]
        after = bytearray(frame.data)
        after[start : start + size] = bytes([_MASK_BYTE]) * len(after[start : start + size])
        self.repair_checksums(frame.data, after)
        return replace(frame, data=bytes(after))


class _MbusProtocol(MeterProtocol):
    """Wired M-Bus, on which meters are asked one after the other."""

    def find_asking_time(self, section: Any, devices: "Sequence[tuple[DeviceSpec, float]]") -> AskingTime:
        """Return the time at most: how long a telegram is, only the meter knows."""
        from quartier_drivers.meter.mbus.link_layer import (  # noqa: PLC0415 - only a plan needs it
            LineTiming,
        )

        timing = LineTiming(section.baud or 2400)
        longest_s = [timing.reading_s(selects=bool(spec.address)) for spec, _ in devices]
        pairs = zip(longest_s, devices, strict=True)
        share = sum(reading_s / period_s for reading_s, (_, period_s) in pairs)
        return AskingTime(max(longest_s), timing.baud, share)


PROTOCOLS: Mapping[str, MeterProtocol] = {
    one.name: one
    for one in (
        MeterProtocol(
            name="tic",
            title="Linky TIC",
            decoder_settings="TicSettings",
            sure_count=4,
            cable="cable or dongle (I1 and I2 of the meter, 1.0 to 1.5 V on them)",
            ground="ground or pull-up of the dongle, or a long cable beside a mains line",
            examples={"tic": {"kind": "tic", "port": "usb:DA3FMX1Z"}},
            reports_supply=True,
            has_seven_bits=True,
            identifies="is_tic_identifier",
            repairers=("repair_tic",),
        ),
        MeterProtocol(
            name="p1",
            title="DSMR P1",
            decoder_settings="P1Settings",
            decoder_words=("is_capture",),
            listens_as_capture=True,
            cable="cable or dongle (is its data request, RTS, at 5 V?), or a P1 port that is not switched on",
            ground="pull-up of the dongle, or a cable that is too long",
            examples={"p1": {"kind": "p1", "port": "usb:AB0K1LPV"}},
            encrypts=True,
            repairers=("repair_p1",),
        ),
        MeterProtocol(
            name="iec62056",
            title="IEC 62056-21",
            decoder_settings="Iec62056Settings",
            decoder_words=("is_capture",),
            takes_password=True,
            listens_as_capture=True,
            sure_count=3,
            cable="place of the reading head",
            ground="place of the reading head, or light that falls on it",
            examples={"heat": {"kind": "iec62056", "port": "usb:0049"}},
            has_seven_bits=True,
            repairers=("repair_iec62056_block",),
        ),
        MeterProtocol(
            name="sml",
            title="SML",
            decoder_settings="SmlSettings",
            listening_settings={"checksum": "kermit"},
            cable="place of the reading head, or a meter whose interface waits for its PIN",
            ground="place of the reading head, or light that falls on it",
            examples={"head": {"kind": "sml", "port": "usb:0050"}},
            masked_settings=({}, {"checksum": "kermit"}),
            repairers=("repair_sml",),
        ),
        _DlmsProtocol(
            name="dlms",
            title="DLMS/COSEM",
            decoder_settings="DlmsSettings",
            decoder_words=("is_capture", "over_tcp"),
            takes_password=True,
            cable="cable or dongle, or a HAN port that its operator has not opened yet",
            ground="cable, or the pull-up of the dongle",
            examples={"han": {"kind": "dlms", "port": "usb:A10LG8M3"}},
            encrypts=True,
            repairers=("repair_hdlc", "repair_mbus"),
        ),
        _MbusProtocol(
            name="mbus",
            title="M-Bus",
            decoder_settings="MbusSettings",
            many_values_fit=True,
            cable="cable, level converter or its supply",
            ground="cable, too many meters for the level converter, or two with one address",
            examples={"wired": {"kind": "mbus", "port": "tcp://192.168.1.40:10001"}},
            example_values={"baud": 9600, "framing": "8N1"},
            scan="quartier_drivers.meter.mbus.scan_report:scan",
            encrypts=True,
            identifies="is_mbus_identifier",
            repairers=("repair_mbus",),
        ),
    )
}


def load_meter_protocol(name: str) -> MeterProtocol:
    """Return the description of a protocol of meters.  Raises ValueError if it is none."""
    if name not in PROTOCOLS:
        raise ValueError(f"{name!r} is no protocol of meters, expected one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
