"""Keys of what is kept of the bytes on buses."""

from typing import Annotated

from pydantic import Field

from quartier.config.words import Section


class Recording(Section):
    """The last bytes of each bus, for `quartier record` and kept around a fault."""

    buffer_max_bytes: Annotated[int, Field(ge=0, le=16_000_000)] = 512_000
    """Memory for the last frames of all buses, an equal share for each; 0: nothing is recorded."""
    buffer_s: Annotated[float, Field(ge=5, le=600)] = 60.0
    """How far back the frames of a bus go at most."""
    files_max_count: Annotated[int, Field(ge=0, le=1_000)] = 20
    """Records kept by themselves around a fault, in the state directory; the oldest goes first; 0: none."""
    after_s: Annotated[float, Field(ge=0, le=60)] = 5.0
    """How long such a record goes on after the fault."""
    anonymise: bool = False
    """Whether serials and addresses are masked in such records; a meter that encrypts then leaves none."""
