"""IEC 62056-21: the optical port of heat meters and older electricity meters, polled (A to C) or not (D)."""

from quartier_drivers.meter.iec62056.reading import decoder as decoder
from quartier_drivers.meter.iec62056.signon import reader as reader
