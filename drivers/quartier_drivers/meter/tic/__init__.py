"""Linky and its forerunners: the TIC of French meters, historique and standard (Enedis-NOI-CPT_54E)."""

from quartier_drivers.meter.tic.frames import decoder as decoder
