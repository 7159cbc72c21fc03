"""Choose the endpoint of an OPC UA server: the strongest on offer that the site file allows.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quartier_drivers.opcua.bus_section import OpcuaBus

POLICIES = ("Aes256_Sha256_RsaPss", "Aes128_Sha256_RsaOaep", "Basic256Sha256")
"""The policies that count, the strongest first (OPC 10000-7, security policies)."""
DEFAULT_PORT = 4840
"""The default port of OPC UA servers (IANA)."""
SIGN_MODE, ENCRYPT_MODE, NO_SECURITY_MODE = "sign", "sign-and-encrypt", "none"


@dataclass(frozen=True, slots=True)
class EndpointOffer:
    """An endpoint: policy (the last word of its URI), mode and the server's certificate (DER)."""

    policy: str
    mode: str
    certificate: bytes


def list_allowed(bus: "OpcuaBus") -> list[tuple[str, str]]:
    """Return the policies and modes that the section allows, the best first."""
    if bus.insecure_policy == "None":
        return [("None", NO_SECURITY_MODE)]
    if bus.insecure_policy is not None:
        return [(bus.insecure_policy, bus.mode)]
    return [(policy, bus.mode) for policy in (POLICIES if bus.policy == "best" else (bus.policy,))]


def choose_offer(offers: Sequence[EndpointOffer], bus: "OpcuaBus") -> EndpointOffer | None:
    """Return the best offer that the section allows; None if there is none."""
    for policy, mode in list_allowed(bus):
        for offer in offers:
            if (offer.policy, offer.mode) == (policy, mode):
                return offer
    return None


def explain_refusal(offers: Sequence[EndpointOffer], bus: "OpcuaBus") -> str:
    """Return why no offer is accepted, with the offers."""
    there = ", ".join(dict.fromkeys(f"{offer.policy} ({offer.mode})" for offer in offers)) or "nothing"
    asked = " or ".join(policy for policy, _ in list_allowed(bus))
    return f"{bus.url} offers {there}; wanted is {asked} ({bus.mode}): change policy or mode, or the server"
