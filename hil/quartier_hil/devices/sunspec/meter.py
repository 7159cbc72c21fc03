"""A SunSpec meter: model 201 or 203, or the same in float."""

from collections.abc import Iterable, Mapping

from quartier_hil.devices.mains import Mains
from quartier_hil.devices.sunspec.device import SunSpec
from quartier_hil.devices.sunspec.measured import METERS, common, meter_values, show_meter


class SunSpecMeter(SunSpec):
    """Shows the quantities of ``mains`` in model ``number``; takes no orders."""

    def __init__(
        self,
        number: int = 203,
        *,
        rated_w: float = 20_000.0,
        unit: int = 1,
        habits: Iterable[str] = (),
        seed: int = 0,
    ) -> None:
        if number not in METERS:
            raise ValueError(f"{number} is no meter's model; expected one of {METERS}")
        models = [(1, common("Meter", "M-0001")), (number, meter_values(number, rated_w))]
        super().__init__(models, unit=unit, habits=habits, seed=seed)
        self._number = number
        self._mains = Mains()
        self.show({})

    def show(self, values: Mapping[str, float]) -> None:
        """Put the meter's values into its model."""
        self._mains.take(values)
        show_meter(self.image, self._number, self._mains)
