"""The form of jobs: work for the gateway itself, in a window of time (pure).

Source: spec/sync.md#topic-job.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from quartier.district.grammar import DocumentForm
from quartier.district.issuers import LIST_MAX_BYTES

SITE_MAX_CHARS = 120 * 1024
Op = Literal["config", "keys", "software"]
_PART = {"config": "site", "keys": "list", "software": "software"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work that was ordered; ``text`` is a site file or a signed key list, as ``op`` says."""

    id: str
    seq: int
    op: Op
    text: str
    nbf_utc_ms: int
    exp_utc_ms: int


class JobForm(DocumentForm):
    """Work for the gateway itself, done once between ``nbf`` and ``exp``."""

    op: Op
    """What is to be done; software is refused until there is a way to update it."""
    site: Annotated[str, Field(min_length=1, max_length=SITE_MAX_CHARS)] | None = None
    """With config: the whole site file, TOML."""
    list: Annotated[str, Field(min_length=1, max_length=LIST_MAX_BYTES)] | None = None
    """With keys: the key list, a compact JWS of the district's root."""
    software: dict[str, Any] | None = None
    """With software: whatever a later version will ask for."""

    @model_validator(mode="after")
    def _whole(self) -> "JobForm":
        given = {part for part in _PART.values() if getattr(self, part) is not None}
        if given != {_PART[self.op]}:
            raise ValueError(f"{self.op} comes with {_PART[self.op]} and nothing else")
        return self

    def wish(self) -> Job:
        """As the daemon takes it."""
        return Job(
            id=self.id,
            seq=self.seq,
            op=self.op,
            text=self.site or self.list or "",
            nbf_utc_ms=self.nbf,
            exp_utc_ms=self.exp,
        )
