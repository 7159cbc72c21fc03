"""Keys of what connects the site: tree, contacts, supplies, shares, district."""

from ipaddress import ip_address, ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, Strict

from quartier.config.sections.value_types import (
    BrokerUrl,
    RootKey,
    SecretReference,
    Section,
    TopicName,
    Watts,
)
from quartier_drivers.modbus.sharing.register_spans import parse_spans


class ContactSection(Section):
    """A contact whose closing caps the building, such as the grid operator's; it may only tighten."""

    device: str
    """The device that reads it."""
    part: str = ""
    """Which part of that device; empty for a device of one part."""
    acts: Literal["closed", "open"] = "closed"
    """Position in which it acts; one that cannot be read acts too."""
    import_max_w: Watts | None = None
    """Import cap while it acts."""
    export_max_w: Watts | None = None
    """Export cap while it acts."""
    generation_max_w: Watts | None = None
    """Cap of what PV and other sources generate while it acts."""
    consumption_max_w: Watts | None = None
    """Cap of what the building consumes, whatever it generates, while it acts."""
    debounce_s: Annotated[float, Field(ge=0, le=10)] = 0.0
    """How long it must be seen to act before its caps hold; 0: the first reading does."""
    release_s: Annotated[float, Field(ge=0, le=3_600)] = 60.0
    """How long it must be seen at rest before its caps go."""


class SupplySection(Section):
    """The grid operator's meter as a source of caps, by the power that is subscribed; it may only tighten."""

    device: str
    """The device that reads it, a Linky say."""
    part: str = ""
    """Which part of that device; empty for a device of one part."""
    release_s: Annotated[float, Field(ge=0, le=3_600)] = 60.0
    """How long it must not have warned before the cap that answered its warning goes."""


class DistrictLinkSection(Section):
    """The broker of the district; without this section the gateway works alone."""

    url: BrokerUrl
    """mqtts://host or mqtts://host:port; plain mqtt:// only to this machine."""
    further_urls: Annotated[tuple[BrokerUrl, ...], Strict(False)] = ()
    """Further brokers of the same district, in the order in which they are tried after url."""
    primary_host: TopicName | None = None
    """Sparkplug host whose STATE is waited for before births; absent: births at once."""
    user: str | None = None
    """User name at the broker."""
    password_file: SecretReference | None = None
    """File with the password of user."""
    ca_file: SecretReference | None = None
    """Certificates of the authorities that may sign the broker's; absent: the system's."""
    cert_file: SecretReference | None = None
    """Our certificate; its common name is district.id."""
    key_file: SecretReference | None = None
    """Private key of cert_file."""
    issuers_file: SecretReference | None = None
    """List of who may sign documents: signed by a root of root_keys, or plain JSON where there is none."""
    root_keys: Annotated[tuple[RootKey, ...], Strict(False), Field(max_length=2)] = ()
    """Public keys of the district's offline roots, two for a change; with one, key lists may come as jobs."""
    watermark: bool = True
    """Whether the host sends watermarks; false for foreign hosts: then published counts as delivered."""
    watermark_unsigned: bool = False
    """Whether unsigned watermarks count.  Set it only where nobody else can write at the broker."""
    backfill_messages_per_s: Annotated[float, Field(ge=0.01, le=100)] = 5.0
    """Highest pace of what is delivered late; the district slows it down, and live data always goes first."""
    aliases: bool = False
    """Whether data messages name metrics by the aliases of their births, which is shorter."""

    @property
    def urls(self) -> tuple[str, ...]:
        """Every broker, in the order in which they are tried."""
        return (self.url, *self.further_urls)

    @property
    def tls(self) -> bool:
        """Return whether the link is encrypted, to one broker at least."""
        return any(urlsplit(url).scheme == "mqtts" for url in self.urls)

    @property
    def host(self) -> str:
        """Name or address of the broker."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """TCP port of the broker; 8883 or 1883 where the address has none."""
        return urlsplit(self.url).port or (8883 if urlsplit(self.url).scheme == "mqtts" else 1883)


ROOT_NODE = "grid"
"""The root of the connection tree."""


class NodeSection(Section):
    """A point of the connection tree; what its fuse and its power allow is kept, on each phase."""

    under: str = "grid"
    """The node that feeds it; the tree's root is called grid."""
    fuse_a: Annotated[float, Field(gt=0, le=10_000)]
    """Rated current of its fuse, per phase."""
    phases: Literal[1, 3] = 3
    """How many phases it has."""
    phase: Literal["l1", "l2", "l3"] | None = None
    """The phase of a node of one phase, as the grid meter names it; absent: it counts wholly on each."""
    power_max_w: Watts | None = None
    """Most power over all phases, in either direction, by a cable or a contract; absent: as the fuse."""
    device: str | None = None
    """The meter that measures all that the node feeds; absent: it is reckoned from what is known below it."""
    part: str = ""
    """Which part of that device; empty for a device of one part."""
    unmeasured_w: Watts | None = None
    """Rated power of what nothing measures there; absent: none behind a meter, else all the building has."""


def _check_listen_address(text: str) -> str:
    address, colon, port = text.rpartition(":")
    try:
        ip_address(address.removeprefix("[").removesuffix("]"))
        is_bare = ":" in address and not address.startswith("[")
        if colon and not is_bare and 1 <= int(port) <= 65535:
            return text
    except ValueError:
        pass
    raise ValueError(f"{text!r} is not ADDRESS:PORT; expected such as '192.168.1.10:1502'")


def _check_networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    if not texts:
        raise ValueError("is empty; expected addresses or networks, such as ['192.168.1.40']")
    for text in texts:
        try:
            ip_network(text)
        except ValueError as error:
            raise ValueError(
                f"{text!r} is neither an address nor a network; expected '192.168.1.40' or '192.168.1.0/24'"
            ) from error
    return texts


def _check_writes(texts: tuple[str, ...]) -> tuple[str, ...]:
    parse_spans(texts)
    return texts


def _check_units(units: tuple[int, ...]) -> tuple[int, ...]:
    for unit in units:
        if not 0 <= unit <= 255:
            raise ValueError(f"{unit} is no unit; expected 0..255")
    return units


class ShareSection(Section):
    """Other Modbus TCP clients on the connection or line of a Modbus bus; they read, unless it says more."""

    bus: str
    """The Modbus bus whose connection they share."""
    listen: Annotated[str, AfterValidator(_check_listen_address)] = "127.0.0.1:1502"
    """Address and port for them; the default serves this machine only, for Modbus knows no password."""
    clients: Annotated[tuple[str, ...], Strict(False), AfterValidator(_check_networks)]
    """Addresses or networks they come from; the narrowest that fits counts, all others are sent away."""
    units: Annotated[tuple[int, ...], Strict(False), AfterValidator(_check_units)] = ()
    """Units they may ask beside those of the site's devices on the bus."""
    writes: Annotated[tuple[str, ...], Strict(False), AfterValidator(_check_writes)] = ()
    """What they may write, as "1/holding:1000..1009" or "1/coil:3 by 5"; never what Quartier writes."""
    diagnostics: bool = False
    """Whether functions 8 (echo and counters) and 43/14 (identity) are passed on."""
    requests_per_s: Annotated[float, Field(ge=0.1, le=200)] = 10.0
    """Requests a second, over ten seconds, that are answered; more get exception 6, busy."""
    writes_per_h: Annotated[float, Field(ge=1, le=3_600)] = 60.0
    """Writes an hour that are passed on: registers may wear."""
    connections_max: Annotated[int, Field(ge=1, le=16)] = 4
    """Connections at once."""
    outstanding_max: Annotated[int, Field(ge=1, le=16)] = 4
    """Requests that may wait for their answers at once; more get exception 6."""
    age_max_s: Annotated[float, Field(ge=0, le=60)] = 1.0
    """A read is given what the device answered at most so long ago, if it did; 0: it is always asked."""
    wire_max_s: Annotated[float, Field(ge=0.05, le=5)] = 1.0
    """How long one request may hold the wire, if the bus's timeout_s is not less."""
