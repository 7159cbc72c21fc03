"""A record as a file: its form, what it says of itself, and its name."""

from quartier.record import pcapng, text, wires
from quartier.record.taken import Taken

_ENCRYPTED = (
    "OPC UA: what a session with security SignAndEncrypt says is encrypted here too; an analyser shows\n"
    "its envelope alone"
)


def suffix(taken: Taken) -> str:
    """``.pcapng`` where a common analyser knows the protocol, ``.txt`` elsewhere."""
    return ".txt" if wires.link_type(taken) is None else ".pcapng"


def content(taken: Taken) -> bytes:
    """The whole file."""
    link_type = wires.link_type(taken)
    if link_type is None:
        return text.file(taken, about(taken))
    return pcapng.file(link_type, taken.bus, about(taken), wires.packed(taken))


def about(taken: Taken) -> str:
    """What a file says of itself."""
    lines = [
        f"bus: {taken.bus}",
        f"kind: {taken.kind}{' ' * bool(taken.framing)}{taken.framing}",
        *([] if taken.is_masked else [f"where: {taken.where}"]),
        f"monotonic {taken.ns / 1e9:.3f} s was {text.stamp(taken.utc_ms * 1_000_000)}",
    ]
    if taken.is_masked:
        lines.append("anonymised: identifiers and addresses are not the true ones")
    if wires.link_type(taken) == pcapng.ETHERNET:
        lines.append("the heads of the packets were made anew, with the port that the protocol has by rule")
    if taken.kind == "opcua":
        lines.append(_ENCRYPTED)
    return "\n".join(lines)


def name(taken: Taken) -> str:
    """``lan-20261128T134517Z.pcapng``, by when it begins."""
    first = taken.utc_ns(taken.frames[0]) if taken.frames else taken.utc_ms * 1_000_000
    when = text.stamp(first).partition(".")[0].replace("-", "").replace(":", "")
    return f"{taken.bus}-{when}Z{suffix(taken)}"
