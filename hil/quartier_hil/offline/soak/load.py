"""A house whose power wanders and whose counters rise, by the second and repeatable."""

from random import Random

_LOW_W, _HIGH_W, _STEP_W = -3000.0, 6000.0, 400.0


class Load:
    """Import is plus; ``import_wh`` and ``export_wh`` never shrink."""

    def __init__(self, seed: int, import_wh: float = 12_345_678.0) -> None:
        self.power_w = 1_500.0
        self.import_wh, self.export_wh = import_wh, 0.0
        self._random = Random(seed)  # noqa: S311 - a load that can be repeated, no secret

    def go_on(self, seconds: float) -> None:
        """Let so much time pass at the present power, then take another."""
        energy_wh = self.power_w * seconds / 3600
        self.import_wh += max(energy_wh, 0.0)
        self.export_wh += max(-energy_wh, 0.0)
        wandered_w = self.power_w + self._random.uniform(-_STEP_W, _STEP_W)
        self.power_w = min(_HIGH_W, max(_LOW_W, wandered_w))

    @property
    def values(self) -> dict[str, float]:
        """As meters of the rig take them."""
        return {
            "power_w": self.power_w,
            "energy_import_wh": self.import_wh,
            "energy_export_wh": self.export_wh,
        }
