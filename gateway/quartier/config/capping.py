"""Keys of what caps the building from outside: contacts, and the grid operator's meters."""

from typing import Annotated, Literal

from pydantic import Field

from quartier.config.words import Section, Watts


class Contact(Section):
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


class Supply(Section):
    """The grid operator's meter as a source of caps, by the power that is subscribed; it may only tighten."""

    device: str
    """The device that reads it, a Linky say."""
    part: str = ""
    """Which part of that device; empty for a device of one part."""
    release_s: Annotated[float, Field(ge=0, le=3_600)] = 60.0
    """How long it must not have warned before the cap that answered its warning goes."""
