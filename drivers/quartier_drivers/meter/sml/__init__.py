"""SML: what the optical heads of German meters say, at 9600 8N1, unasked."""

from quartier_drivers.meter.sml.reading import decoder as decoder
