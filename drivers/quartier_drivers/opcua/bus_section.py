"""The site file's section for an OPC UA server; imports no protocol library."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from quartier_drivers.opcua.endpoint_choice import DEFAULT_PORT
from quartier_drivers.registry import check_host

Policy = Literal["best", "Aes256_Sha256_RsaPss", "Aes128_Sha256_RsaOaep", "Basic256Sha256"]
InsecurePolicy = Literal["None", "Basic256", "Basic128Rsa15"]


def _check_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("the address contains a user or password; expected the keys user and password_file")
    if parts.scheme != "opc.tcp" or not parts.hostname:
        raise ValueError(
            f"{url!r} is no endpoint; expected opc.tcp://HOST or opc.tcp://HOST:{DEFAULT_PORT}/PATH"
        )
    check_host(parts.hostname)
    if not _has_port(url):
        raise ValueError(f"{url!r} has an invalid port; expected 1..65535")
    return url


def _has_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _check_secret(reference: str) -> str:
    if re.fullmatch(r"credential:[^/]+|/.+", reference):
        return reference
    # The value may be the secret itself, typed in by mistake: never repeat it.
    raise ValueError("is not a path or credential; expected /an/absolute/path or credential:NAME")


Secret = Annotated[str, AfterValidator(_check_secret)]


class OpcuaBus(BaseModel):
    """An OPC UA server; its devices are parts of its address space."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    kind: Literal["opcua"]
    """An OPC UA server."""
    url: Annotated[str, AfterValidator(_check_url)]
    """Its endpoint, `opc.tcp://HOST` or `opc.tcp://HOST:PORT/PATH`."""
    policy: Policy = "best"
    """Security policy; best: the strongest of these that the server offers."""
    mode: Literal["sign-and-encrypt", "sign"] = "sign-and-encrypt"
    """Whether what is signed is encrypted too; sign is shown in red."""
    insecure_policy: InsecurePolicy | None = None
    """In place of policy: none at all, or one that is deprecated; shown in red."""
    user: str | None = None
    """User name at the server."""
    password_file: Secret | None = None
    """File with the password of user."""
    user_cert_file: Secret | None = None
    """Certificate (DER or PEM) of a user who shows one in place of a password."""
    user_key_file: Secret | None = None
    """Private key (PEM) of user_cert_file."""
    anonymous: bool = False
    """Log in without a user; shown in red."""
    subscribe: bool = True
    """Have the server tell what changes; without it everything is asked for."""
    poll_s: Annotated[float, Field(ge=1, le=3_600)] = 60.0
    """How often what is subscribed to is asked for all the same, to see that the two agree."""
    timeout_s: Annotated[float, Field(ge=0.2, le=30)] = 2.0
    """How long an answer may take before the server counts as silent for that request."""
    pki: Annotated[str, Field(min_length=1)] = "opcua"
    """Folder with our certificate and those that are trusted; a relative path lies in the state directory."""

    @model_validator(mode="after")
    def _one_user(self) -> Self:
        ways = (self.user is not None, self.user_cert_file is not None, self.anonymous)
        if sum(ways) != 1:
            raise ValueError(
                "names no way to log in, or two; expected one of user, user_cert_file, anonymous"
            )
        if (self.user is None) != (self.password_file is None):
            raise ValueError("expected user and password_file together")
        if (self.user_cert_file is None) != (self.user_key_file is None):
            raise ValueError("expected user_cert_file and user_key_file together")
        return self

    @property
    def has_units(self) -> bool:
        """Return whether unit or address identifies a device; False, because its nodes do."""
        return False

    @property
    def weakness(self) -> str:
        """Return which security explicit keys remove, for people; empty if none."""
        found = []
        if self.insecure_policy == "None":
            found.append("neither signed nor encrypted")
        elif self.insecure_policy is not None:
            found.append(f"deprecated policy {self.insecure_policy}")
        if self.mode == "sign" and self.insecure_policy != "None":
            found.append("signed, not encrypted")
        if self.anonymous:
            found.append("anonymous")
        return ", ".join(found)

    @property
    def port(self) -> int:
        """The TCP port of the server."""
        return urlsplit(self.url).port or DEFAULT_PORT

    @property
    def host(self) -> str:
        """The host name or address of the server."""
        return urlsplit(self.url).hostname or ""

    def resolve_paths(self, state_dir: Path) -> Self:
        """Return the same section with its certificate folder in the state directory."""
        return self.model_copy(update={"pki": str(state_dir / self.pki)})
