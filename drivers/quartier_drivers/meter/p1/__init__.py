"""DSMR P1 and its variants, from the Netherlands to Sweden, Hungary and Austria."""

from quartier_drivers.meter.p1.frames import decoder as decoder
