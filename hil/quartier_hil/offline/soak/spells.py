"""A line that is good most of the time: noise comes in spells, as drives start and dongles get loose."""

from random import Random

from quartier_hil.devices.meters.noise import LINES, Noise

SPELL_MEAN = 100.0
"""Telegrams of a spell of noise, on the average."""
_CLEAN = "clean"


class Spells:
    """Over which line each telegram is heard: ``noisy_pct`` of them over a bad one of ``noise.LINES``."""

    def __init__(self, seed: int, noisy_pct: float) -> None:
        self._random = Random(seed)  # noqa: S311 - noise that can be repeated, no secret
        self._calm_mean = SPELL_MEAN * (100.0 / noisy_pct - 1.0) if noisy_pct else 0.0
        self._left = 0 if noisy_pct else -1
        self._noise: Noise | None = None
        self._bad = [noise for name, noise in LINES.items() if name != _CLEAN]
        self._is_first = True

    def next(self) -> Noise | None:
        """The noise of the next telegram; None for a clean line."""
        if self._left == 0:
            if self._noise is None and not self._is_first:
                self._noise, mean = self._random.choice(self._bad), SPELL_MEAN
            else:
                self._noise, mean = None, self._calm_mean
            self._is_first = False
            self._left = 1 + int(self._random.expovariate(1.0 / mean)) if mean else 1
        self._left -= 1
        return self._noise
