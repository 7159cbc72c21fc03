"""IEC 62056-21: the optical port of heat meters and older electricity meters, polled (A to C) or not (D)."""

from quartier_drivers.meter.iec62056.meter_reader import make_reader as reader
from quartier_drivers.meter.iec62056.push_decoder import make_decoder as decoder

__all__ = ["decoder", "reader"]
