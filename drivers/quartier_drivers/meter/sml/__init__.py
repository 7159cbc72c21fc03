"""SML: pushed by the optical heads of German meters, at 9600 8N1."""

from quartier_drivers.meter.sml.reading import decoder as decoder
