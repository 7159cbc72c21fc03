"""The description of a protocol for the rest of Quartier: data and methods, each ability with a default.

Each protocol has one object of ``Protocol`` or of a subclass, in the module ``protocol`` of its folder; its
line in ``registry.PROTOCOLS`` names it.  The object imports nothing of its protocol before it is asked for
it: what is heavy is named as ``module:name``.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.registry import load_object

if TYPE_CHECKING:
    from quartier_drivers.contract import DeviceSpec, Line, ProtocolFactory
    from quartier_drivers.device_profile.loading import ProfileMatch
    from quartier_drivers.device_profile.profile_check import Finding, Profile, ProfileCheck
    from quartier_drivers.device_profile.proof_files import ProofVector
    from quartier_drivers.device_reports import (
        DeviceListing,
        ReadRequest,
        ScanListener,
        ScanReport,
        ScanRequest,
    )
    from quartier_drivers.device_rows import DeviceReadout
    from quartier_drivers.transport.frame_recorder import RecordedFrame

WriteRelease = Callable[[Mapping[str, Any], Sequence[Mapping[str, Any]]], Awaitable[Sequence[str]]]
"""Takes the section of a bus and the encoded writes; returns a line of text for each failed write."""

_REGISTER_CHECK = "quartier_drivers.device_profile.register_profile:RegisterProfileCheck"


class EncryptedError(ValueError):
    """Data encrypted by a device cannot be masked: its number is part of the encryption."""


@dataclass(frozen=True, slots=True)
class AskingTime:
    """The longest time that requests take on a bus that is not planned.

    ``longest_s`` is that of one telegram at ``baud``, ``share`` that of all devices, per second.
    """

    longest_s: float
    baud: int
    share: float


@dataclass(frozen=True, slots=True)
class Capture:
    """The form of a record of a bus for an analyser.

    ``frames``: frames of a serial line, each for the analyser's ``dissector``; ``is_whole`` says when pieces
    make a frame.  ``connection`` and ``datagrams``: TCP and UDP, with the ``port`` that the protocol has by
    rule.  ``note`` is told to the reader of the file.
    """

    form: Literal["frames", "connection", "datagrams"]
    port: int = 0
    dissector: str = ""
    is_whole: Callable[[bytes], bool] = bool
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A protocol; ``factory`` makes its lines and drivers (``module:name``)."""

    name: str
    title: str
    """Its name for people."""
    factory: str
    endpoint_keys: tuple[str, ...] = ()
    """Keys of a section that say where its bus is: two buses with equal values are the same wire."""
    release: str = ""
    """Makes the writes of a release table, if an import of the factory would be too heavy for that."""

    # Profiles

    profile_check: str = _REGISTER_CHECK
    """The class that checks its profiles; they name registers unless it says otherwise."""
    lint: str = ""
    """The function that yields what to review in its profiles; empty: nothing beyond the rules for all."""
    vectors: str = ""
    """The function that decodes what a proof holds; empty: proofs hold nothing to decode."""

    # A running bus

    is_polled: bool = False
    """The gateway chooses how often its devices are read; others send by themselves."""
    is_shareable: bool = False
    """Other clients may use its buses through the gateway."""
    unplanned: str = ""
    """Why ``quartier bus plan`` has nothing to plan on its buses; empty where devices are asked in turn."""

    # A device or a bus without a site file

    reader: str = ""
    """The coroutine function that reads a profile's points once: takes the profile and a ``ReadRequest``."""
    listing: str = ""
    """The function that lists all that a device shows without a profile: takes a ``ReadRequest``."""
    scan: str = ""
    """The function that scans a bus: takes a ``ScanRequest`` and a ``ScanListener``; see ``can_scan``."""
    matches: str = ""
    """The coroutine function that recognises its devices on a bus of another protocol."""
    scanned_urls: tuple[str, ...] = ()
    """Beginnings of the URLs that ``quartier init`` scans by this protocol."""

    # For installers

    examples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Example buses of ``config sample``: name -> keys."""
    example_values: Mapping[str, Any] = field(default_factory=dict)
    """Example values of keys of its sections that have no default."""
    encrypts: bool = False
    """Its devices may encrypt: they take a key file."""
    reports_supply: bool = False
    """Its devices report the supply contract and its limits."""

    # Records

    is_stream: bool = False
    """Its bytes are one stream, in which identifiers and checksums may span two pieces."""
    has_seven_bits: bool = False
    """Its bytes are text of seven bits; the eighth is even parity, or nothing."""

    def find_endpoint(self, section: Any) -> tuple[str, ...]:
        """Return where a bus is: host and port, path, or URL."""
        said = (getattr(section, key, None) for key in self.endpoint_keys)
        return tuple(str(value) for value in said if value is not None)

    def load_factory(self) -> "ProtocolFactory":
        """Return its factory; imports its library."""
        return cast("ProtocolFactory", load_object(self.factory))

    def load_release(self) -> WriteRelease:
        """Return the function that makes the writes of a release table; imports little."""
        return cast("WriteRelease", load_object(self.release) if self.release else self.load_factory().replay)

    def load_profile_check(self) -> "type[ProfileCheck]":
        """Return the check of its profiles; imports their schema."""
        return cast("type[ProfileCheck]", load_object(self.profile_check))

    def find_findings(self, profile: "Profile") -> "Iterable[Finding]":
        """Return what to review in one of its profiles that loads."""
        return cast("Iterable[Finding]", load_object(self.lint)(profile)) if self.lint else ()

    def decode_vector(self, profile: "Profile", vector: "ProofVector") -> Mapping[str, object]:
        """Return the values that its driver decodes from the registers or the telegram of a proof."""
        return (
            cast("Mapping[str, object]", load_object(self.vectors)(profile, vector)) if self.vectors else {}
        )

    async def read_profile(self, profile: "Profile", request: "ReadRequest") -> "DeviceReadout":
        """Read the points of a profile once, without a site file.

        Raises ConfigError if its devices are not read alone, LinkLost or NoReply.
        """
        if not self.reader:
            what = f"speaks {self.name}; expected one that speaks modbus (quartier listen reads meters)"
            raise ConfigError([Fault(profile.name, None, "profile", what)])
        return cast("DeviceReadout", await load_object(self.reader)(profile, request))

    def list_device(self, request: "ReadRequest") -> "DeviceListing":
        """Return all that a device shows without a profile; only with ``listing``."""
        return cast("DeviceListing", load_object(self.listing)(request))

    def scan_bus(self, request: "ScanRequest", listener: "ScanListener") -> "ScanReport":
        """Scan a bus; only with ``scan``.  Raises ConfigError for what does not fit the protocol."""
        return cast("ScanReport", load_object(self.scan)(request, listener))

    async def find_matches(
        self, line: "Line", unit: int, profiles: "Sequence[Profile]"
    ) -> "Sequence[ProfileMatch]":
        """Return which ``profiles`` fit the device of a unit on a bus of another protocol."""
        if not self.matches:
            return ()
        return cast("Sequence[ProfileMatch]", await load_object(self.matches)(line, unit, profiles))

    def describe_bus(self, section: Any) -> str:
        """Return the bus for people: the protocol, and the settings that a plan depends on."""
        del section
        return self.title

    def find_asking_time(
        self, section: Any, devices: "Sequence[tuple[DeviceSpec, float]]"
    ) -> AskingTime | None:
        """Return how long asking takes on a bus that is not planned; ``devices`` with their periods in s.

        None: it is not known.
        """
        del section, devices
        return None

    def find_framing(self, section: Any) -> str:
        """Return the framing of the bus that its records are told with; empty if its kind says it all."""
        del section
        return ""

    def find_capture(self, kind: str, framing: str) -> Capture | None:
        """Return how a record of such a bus is written; None: as text, for no analyser knows it."""
        del kind, framing
        return None

    def hide_password(self, frame: "RecordedFrame") -> "RecordedFrame":
        """Return a recorded frame without a password in it, of the same length."""
        return frame

    def find_identifiers(self, data: bytes) -> Iterator[str]:
        """Yield what identifies a device or a person in the bytes of a line.

        Raises EncryptedError where identifiers cannot be masked.
        """
        del data
        yield from ()

    def repair_checksums(self, before: bytes, after: bytearray) -> None:
        """Correct in ``after`` each checksum that was correct in ``before``; both have the same length."""

    def find_carried_address(self, data: bytes) -> str:
        """Return the ``address:port`` of a device that a datagram carries; empty if it carries none."""
        del data
        return ""
