"""DSMR P1 and its variants, from the Netherlands to Sweden, Hungary and Austria."""

from quartier_drivers.meter.p1.push_decoder import make_decoder as decoder

__all__ = ["decoder"]
