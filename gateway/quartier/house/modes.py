"""Classes of assets that run in modes (S2, EN 50491-12-2: operation modes)."""

from dataclasses import dataclass

from quartier.house.assets import Moded

QUARTER_S, DAY_S = 900.0, 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lights(Moded):
    """A group of street lights: dimmed in steps, never below half and never switched off by us.

    Points: ``power_w``; writes ``dim_pct``.  ``evening`` says from when (seconds of the local day, in order
    from noon to noon) which share of the light is enough, in %; lamps are lit by their own clock, ``dusk_s``
    after sunset and as long before sunrise at ``place`` (degrees north and east; None: not known).
    """

    evening: tuple[tuple[float, float], ...] = ()
    place: tuple[float, float] | None = None
    dusk_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comfort(Moded):
    """Keeps a temperature inside a band: ``comfort_min_c`` to ``comfort_max_c``; None: not known.

    Points: ``power_w``; ``tank_c`` or ``room_c``, the first of ``senses`` that is not silent.  ``preheat``:
    it stores what the building generates and does not use.  ``boosts`` is the highest mode that it goes to
    for that by itself; ``normal`` where it has none.
    """

    comfort_min_c: float | None = None
    comfort_max_c: float | None = None
    preheat: bool = True
    boosts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Water:
    """Water that keeps heat, as a plan sees it.

    ``loss_w`` is its standing loss 45 K above its surroundings (EN 12897), which are at ``around_c``;
    ``heat_pct`` what heat it gets of the electricity that is taken, ``draw_w`` what people draw in the mean.
    """

    volume_m3: float
    loss_w: float
    around_c: float = 20.0
    heat_pct: float = 100.0
    draw_w: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat(Comfort):
    """A heat pump or a water heater; writes ``sg_ready_state``, ``setpoint_shift_k`` or ``relay_on``.

    ``water`` None: nothing is known of what it fills, and it is not planned.
    """

    water: Water | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooling(Comfort):
    """Air conditioning or a cold room; writes ``setpoint_shift_k`` (plus is warmer) or ``relay_on``.

    It pre-cools down to ``comfort_min_c``; above ``comfort_max_c`` people, or goods, feel it.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Substation(Moded):
    """The pump of a geothermal loop: slowed in steps down to the least flow, never stopped by us.

    Points: ``power_w``, ``supply_c``, ``return_c``; writes ``pump_pct``.  ``bands`` maps each of them to the
    lowest and highest temperature at which it may be moved, in degrees Celsius.
    """

    bands: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chp(Moded):
    """Combined heat and power: may be asked to run, is stopped by its own controller only.

    Points: ``power_w`` (never plus); writes ``request_on`` or ``relay_on``.  Led by heat (``start_import_w``
    None) it is measured only; led by electricity it is asked for while the import stays above that.
    ``min_off_s`` is its least run with what its start takes, ``min_on_s`` its least rest.
    """

    start_import_w: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waste(Moded):
    """Pneumatic waste collection: a batch that may be interrupted, to be done by a time of the local day.

    Points: ``power_w``, ``waiting_on``, ``left_s``; writes ``run_on`` or ``relay_on``.  ``window_s`` and
    ``deadline_s`` are seconds of the local day; a batch takes ``duration_s`` where ``left_s`` is unknown.
    """

    window_s: float
    deadline_s: float
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Moded):
    """A load that does one run a day: begun once, not interrupted by anything that may wait, done by a time.

    Points: ``power_w``, ``waiting_on`` where its device says it; writes ``relay_on``.  ``run_w`` is what a
    run takes in each quarter of an hour; ``window_s`` (None: at any time) and ``deadline_s`` are seconds of
    the local day.  ``resumes``: one that was interrupted goes on where it stopped; else it begins anew.
    """

    run_w: tuple[float, ...]
    window_s: float | None = None
    deadline_s: float = 0.0
    resumes: bool = True

    @property
    def duration_s(self) -> float:
        """How long a run takes."""
        return QUARTER_S * len(self.run_w)

    @property
    def hours_s(self) -> float:
        """How long it may run before that: a whole day where its hours begin as they end."""
        begin_s = self.deadline_s if self.window_s is None else self.window_s
        return (self.deadline_s - begin_s) % DAY_S or DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Ventilation(Moded):
    """A ventilation unit: slowed in steps down to the least that the people in it need.

    Points: ``power_w``, ``co2_ppm``; writes ``speed_pct``.  Above ``co2_max_ppm`` it is not slowed.
    """

    co2_max_ppm: float
