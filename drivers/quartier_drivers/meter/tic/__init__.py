"""TIC of French meters, Linky and its predecessors: historique and standard (Enedis-NOI-CPT_54E)."""

from quartier_drivers.meter.tic.frames import decoder as decoder
