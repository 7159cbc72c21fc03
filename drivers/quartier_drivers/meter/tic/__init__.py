"""TIC of French meters, Linky and its predecessors: historique and standard (Enedis-NOI-CPT_54E)."""

from quartier_drivers.meter.tic.push_decoder import make_decoder as decoder

__all__ = ["decoder"]
