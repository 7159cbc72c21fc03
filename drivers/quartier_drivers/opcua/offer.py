"""What an OPC UA server offers, and which of it is taken: the strongest that the site file allows.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quartier_drivers.opcua.bus import OpcuaBus

POLICIES = ("Aes256_Sha256_RsaPss", "Aes128_Sha256_RsaOaep", "Basic256Sha256")
"""The policies that count, the strongest first (OPC 10000-7, security policies)."""
PORT = 4840
"""Where OPC UA servers listen unless they say otherwise (IANA)."""
SIGN, ENCRYPT, NONE = "sign", "sign-and-encrypt", "none"


@dataclass(frozen=True, slots=True)
class Offer:
    """An endpoint: policy (the last word of its URI), mode and the server's certificate (DER)."""

    policy: str
    mode: str
    certificate: bytes


def wanted(bus: "OpcuaBus") -> list[tuple[str, str]]:
    """Policy and mode that the section allows, the best first."""
    if bus.insecure_policy == "None":
        return [("None", NONE)]
    if bus.insecure_policy is not None:
        return [(bus.insecure_policy, bus.mode)]
    return [(policy, bus.mode) for policy in (POLICIES if bus.policy == "best" else (bus.policy,))]


def chosen(offers: Sequence[Offer], bus: "OpcuaBus") -> Offer | None:
    """The best of the offers that the section allows; None where there is none."""
    for policy, mode in wanted(bus):
        for offer in offers:
            if (offer.policy, offer.mode) == (policy, mode):
                return offer
    return None


def refusal(offers: Sequence[Offer], bus: "OpcuaBus") -> str:
    """Return why none of the offers is taken, with what there is instead."""
    there = ", ".join(dict.fromkeys(f"{offer.policy} ({offer.mode})" for offer in offers)) or "nothing"
    asked = " or ".join(policy for policy, _ in wanted(bus))
    return f"{bus.url} offers {there}; wanted is {asked} ({bus.mode}): change policy or mode, or the server"
