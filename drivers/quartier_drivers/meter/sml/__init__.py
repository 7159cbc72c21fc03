"""SML: pushed by the optical heads of German meters, at 9600 8N1."""

from quartier_drivers.meter.sml.push_decoder import make_decoder as decoder

__all__ = ["decoder"]
