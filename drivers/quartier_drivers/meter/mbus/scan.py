"""Searches the meters on an M-Bus line, on a real port: ``quartier scan mbus URL`` shows the result."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import ValidationError

from quartier_drivers.contract import Clock
from quartier_drivers.device_profile.toml_files import list_keys, suggest_key
from quartier_drivers.errors import ConfigError, Fault, LinkLost
from quartier_drivers.meter.bus_section import MbusBus
from quartier_drivers.meter.connection.line import MeterLine
from quartier_drivers.meter.connection.line_settings import list_settings
from quartier_drivers.meter.mbus.header import ANY_ADDRESS, AddressMask
from quartier_drivers.meter.mbus.link_layer import LineTiming
from quartier_drivers.meter.mbus.search import PRIMARY_ADDRESSES, MeterSearch, SearchResult

URL_FORMS = "tcp://HOST:PORT, /dev/ttyUSB0 or usb:SERIAL, then ?baud=2400 and other keys of the bus"
DEFAULT_BAUD = 2400
_SLOW_S = 0.05
_SERIAL = ("", "usb", "rtu", "serial", "mbus")

ScanProgress = Callable[[MbusBus, str, int], None]
"""Called before each request of the search: the bus, what is asked, how many were found."""


@dataclass(frozen=True, slots=True)
class MbusScanTarget:
    """The addresses to search: secondary ones that match ``mask`` (None: none), and ``primary`` ones.

    ``is_thorough``: each silence is asked twice, and all speeds are tried even if one had meters.
    """

    mask: AddressMask | None = ANY_ADDRESS
    primary: Sequence[int] = PRIMARY_ADDRESSES
    is_thorough: bool = False

    @property
    def is_wide(self) -> bool:
        """Return whether the search is unrestricted; a silent line then need not be asked by each address."""
        return (
            self.mask == ANY_ADDRESS and len(self.primary) == len(PRIMARY_ADDRESSES) and not self.is_thorough
        )


def parse_target(url: str) -> MbusBus:
    """Return the bus that a URL names.  Raises ConfigError with all faults."""
    parts = urlsplit(url)
    if parts.scheme == "tcp":
        place = f"tcp://{parts.netloc}"
    elif parts.scheme in _SERIAL:
        place = _parse_serial(url, parts)
    else:
        typed = parts.scheme if "://" in url else url.partition("?")[0]
        raise ConfigError([Fault(url, None, "url", f"{typed!r} is unknown, expected {URL_FORMS}")])
    keys = dict(parse_qsl(parts.query, keep_blank_values=True))
    try:
        return MbusBus.model_validate({"kind": "mbus", "port": place, **_convert_numbers(keys)})
    except ValidationError as error:
        raise ConfigError(_make_faults(url, error)) from error


def _parse_serial(url: str, parts: SplitResult) -> str:
    bare = unquote(url.partition("?")[0])
    if parts.scheme in ("", "usb"):
        return bare
    return bare.partition(":")[2].removeprefix("//")


def _convert_numbers(keys: Mapping[str, str]) -> dict[str, object]:
    """Convert texts to numbers: the sections of the site file accept no text for them."""
    return {key: _convert_number(text) for key, text in keys.items()}


def _convert_number(text: str) -> object:
    if text.isdecimal():
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text


def _make_faults(url: str, error: ValidationError) -> list[Fault]:
    faults = []
    for item in error.errors(include_url=False):
        key = ".".join(str(step) for step in item["loc"]) or "url"
        if item["type"] == "extra_forbidden":
            what = f"is an unknown key; {suggest_key(key, list_keys(MbusBus))}"
        elif item["type"] == "value_error":
            what = item["msg"].removeprefix("Value error, ")
        else:
            what = f"{item['input']!r} is wrong, expected {item['msg'].removeprefix('Input should be ')}"
        faults.append(Fault(url, None, key, what))
    return faults


@dataclass(slots=True)
class MbusScanResult:
    """The result of a search on one bus; ``end_reason`` is the reason of an early end, if any."""

    bus: MbusBus
    survey: SearchResult
    end_reason: str = ""


async def scan_line(
    buses: Iterable[MbusBus],
    quest: MbusScanTarget,
    clock: Clock,
    progress: ScanProgress,
    results: list[MbusScanResult],
) -> None:
    """Search each of ``buses`` (the same line at other speeds) until somebody answers on one of them.

    ``results`` grows while it runs: it stays valid if the search is cancelled or the line is lost.
    """
    for bus in buses:
        result = MbusScanResult(bus, SearchResult())
        results.append(result)
        try:
            await _scan_bus(result, quest, clock, progress)
        except LinkLost as lost:
            result.end_reason = str(lost)
            return
        if result.survey.found and not quest.is_thorough:
            return


async def _scan_bus(
    result: MbusScanResult, quest: MbusScanTarget, clock: Clock, progress: ScanProgress
) -> None:
    bus = result.bus
    # Nobody answers most requests of a search: it waits no longer than necessary, unless it is configured.
    slow_s = bus.timeout_s if "timeout_s" in bus.model_fields_set else _SLOW_S
    timing = LineTiming(bus.baud or DEFAULT_BAUD, slow_s, over_tcp=bus.port.startswith("tcp://"))
    look = MeterSearch(
        timing,
        lambda what, found: progress(bus, what, found),
        is_thorough=quest.is_thorough,
        survey=result.survey,
    )
    port = MeterLine("scan", "mbus", bus.port, list_settings("mbus", bus.baud, bus.framing), clock)
    await port.open()
    try:
        if quest.mask is not None:
            await port.converse(look.secondary(quest.mask))
        if quest.primary and (not quest.is_wide or await port.converse(look.has_any_meter())):
            await port.converse(look.primary(quest.primary))
    finally:
        await port.close()
