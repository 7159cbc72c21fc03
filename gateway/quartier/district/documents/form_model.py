"""Base forms and field types of all signed documents (pure).

Source: spec/sync.md#section-5.  Times are Unix milliseconds, powers W, never negative unless a form says so.
"""

import re
from abc import abstractmethod
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

PROGRAM_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,32}")
DAY_S = 86_400
_UINT64_MAX = 2**64 - 1
TIME_MAX_MS = 2**53

Number = Annotated[int, Field(ge=0, le=_UINT64_MAX)]
TimeMs = Annotated[int, Field(ge=0, le=TIME_MAX_MS)]
Watts = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
Duration = Annotated[float, Field(gt=0, le=31 * DAY_S)]


class Form(BaseModel):
    """Unknown fields, text for numbers, NaN and infinity are faults."""

    model_config = ConfigDict(defer_build=True, extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class DocumentForm(Form):
    """Fields of every signed document but the heartbeat."""

    id: Name
    seq: Number
    iss: Name
    aud: Annotated[str, Field(max_length=128)] | Annotated[list[str], Field(min_length=1, max_length=256)]
    iat: TimeMs
    nbf: TimeMs
    exp: TimeMs

    def is_for(self, *names: str) -> bool:
        """Return whether ``aud`` names one of ``names``."""
        return any(name == self.aud if isinstance(self.aud, str) else name in self.aud for name in names)

    @property
    def place(self) -> str | None:
        """Return the last level of the topic that the document states; None if it states none."""
        return None

    @abstractmethod
    def convert(self) -> Any:
        """Return the document as the gateway uses it."""
