"""Position of the sun and outdoor temperature (pure).

Sun: declination and equation of time by the short Fourier series of Spencer (1971), good to about half a
degree, which is two minutes of dusk.  Temperature: a daily wave, coldest at five in the morning.
"""

import math

LATITUDE, LONGITUDE = 48.82, 2.27
_DAY_S = 86_400.0
_COLDEST_H = 5.0


def sun_deg(utc_s: float, latitude: float = LATITUDE, longitude: float = LONGITUDE) -> float:
    """Elevation of the sun's middle over the horizon at Unix time ``utc_s``, degrees, refraction left out."""
    day = utc_s / _DAY_S + 719_528 - 0.5  # days since the year 0; only the place in the year counts
    angle = 2.0 * math.pi * ((day - 0.5) % 365.2425) / 365.2425
    declination = (
        0.006918
        - 0.399912 * math.cos(angle)
        + 0.070257 * math.sin(angle)
        - 0.006758 * math.cos(2 * angle)
        + 0.000907 * math.sin(2 * angle)
    )
    equation_min = 229.18 * (
        0.000075
        + 0.001868 * math.cos(angle)
        - 0.032077 * math.sin(angle)
        - 0.014615 * math.cos(2 * angle)
        - 0.040849 * math.sin(2 * angle)
    )
    minutes = utc_s % _DAY_S / 60.0 + equation_min + 4.0 * longitude
    hour = math.radians(minutes / 4.0 - 180.0)
    high = math.radians(latitude)
    sine = math.sin(high) * math.sin(declination) + math.cos(high) * math.cos(declination) * math.cos(hour)
    return math.degrees(math.asin(sine))


def outdoor_c(day_s: float, mean_c: float, swing_k: float = 5.0) -> float:
    """The air outside at a second of the local day."""
    hour = day_s % _DAY_S / 3600.0
    return mean_c - swing_k * math.cos(2.0 * math.pi * (hour - _COLDEST_H) / 24.0)
