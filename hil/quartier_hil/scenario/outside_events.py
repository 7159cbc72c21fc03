"""Events from outside the site: the district, its broker, the grid operator, the public grid."""

from typing import Annotated, Literal

from pydantic import Field

from quartier_hil.scenario.events import TimedEvent
from quartier_hil.scenario.site import Watts

DISTRICT_PROGRAM = "district"
"""The program of the district's envelopes where an event names none."""


class LimitEnvelope(TimedEvent):
    """The district sends an envelope."""

    do: Literal["caps"]
    """Caps arrive from the district."""
    for_s: Annotated[float, Field(gt=0)]
    """How long they hold; the default holds after them."""
    import_max_w: Watts | None = None
    """Import cap."""
    export_max_w: Watts | None = None
    """Export cap."""
    generation_max_w: Watts | None = None
    """Generation cap."""
    on_loss: Literal["hold", "failsafe"] = "failsafe"
    """What holds while the district is lost."""
    program: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}$")] = DISTRICT_PROGRAM
    """The program that it is of; a newer one takes the place of the older of the same."""
    valid_s: Annotated[float, Field(gt=0)] | None = None
    """When the document expires; absent: after the run."""
    default_import_max_w: Watts | None = None
    """Import cap after ``for_s``; absent: the contract's."""

    @property
    def words(self) -> str:
        """Return what is asked, for a person."""
        caps = {
            "import": self.import_max_w,
            "export": self.export_max_w,
            "generation": self.generation_max_w,
        }
        parts = [f"{name} <= {value / 1e3:g} kW" for name, value in caps.items() if value is not None]
        return f"{', '.join(parts)} for {self.for_s / 60:g} min"


class FailsafeParameters(TimedEvent):
    """The district sends fail-safe parameters."""

    do: Literal["failsafe"]
    """Fail-safe parameters arrive from the district."""
    import_max_w: Watts
    """Fail-safe import cap."""
    export_max_w: Watts
    """Fail-safe export cap."""
    duration_min_s: Annotated[float, Field(ge=7_200, le=86_400)] = 7_200.0
    """How long the fail-safe state lasts at least."""

    @property
    def words(self) -> str:
        """Return what is asked, for a person."""
        return f"fail-safe import <= {self.import_max_w / 1e3:g} kW, export <= {self.export_max_w / 1e3:g} kW"


class ShedCommand(TimedEvent):
    """The district sends a shed command."""

    do: Literal["shed"]
    """A shed command arrives from the district."""
    level: Annotated[int, Field(ge=0, le=3)]
    """1: tier D off, 2: C too, 3: B too; 0 ends it."""
    for_s: Annotated[float, Field(gt=0, le=3_600)]
    """How long it runs."""

    @property
    def words(self) -> str:
        """Return what is asked, for a person."""
        return f"shed command, level {self.level}, for {self.for_s / 60:g} min"


class BrokerEvent(TimedEvent):
    """The broker goes away or comes back."""

    do: Literal["broker"]
    """The way to the district."""
    up: bool
    """Whether it is there."""


class HeartbeatEvent(TimedEvent):
    """The district's heartbeat stops or starts again, while the broker stays."""

    do: Literal["heartbeat"]
    """The district's heartbeat."""
    on: bool
    """Whether it is sent."""


class ContactEvent(TimedEvent):
    """The grid operator's contact closes or opens."""

    do: Literal["contact"]
    """The grid operator's contact, on input 1 of the board ``inputs``."""
    closed: bool
    """Whether it is closed."""


class FrequencyEvent(TimedEvent):
    """The public grid's frequency goes elsewhere."""

    do: Literal["frequency"]
    """The public grid's frequency goes to another mean."""
    hz: Annotated[float, Field(ge=40, le=60)]
    """Where to."""
    hz_per_s: Annotated[float, Field(gt=0)] | None = None
    """How fast; absent: at once."""


class VoltageEvent(TimedEvent):
    """The public grid's voltage changes."""

    do: Literal["voltage"]
    """The public grid's voltage at the transformer."""
    volts: Annotated[float, Field(ge=0, le=400)]
    """To neutral; below half of 230 on every phase nothing runs."""
    phases: tuple[Annotated[int, Field(ge=1, le=3)], ...] = (1, 2, 3)
    """On which phases."""


OutsideEvent = (
    LimitEnvelope
    | FailsafeParameters
    | ShedCommand
    | BrokerEvent
    | HeartbeatEvent
    | ContactEvent
    | FrequencyEvent
    | VoltageEvent
)
DistrictEvent = LimitEnvelope | FailsafeParameters | ShedCommand
