"""Linky and its forerunners: the TIC of French meters, historique and standard (Enedis-NOI-CPT_54E)."""

from quartier_drivers.meter.tic.frames import TicDecoder

__all__ = ["TicDecoder", "decoder"]


def decoder() -> TicDecoder:
    """A decoder for both modes, which tell themselves apart; it keeps at most 2 KiB and one frame."""
    return TicDecoder()
