"""Figures against peers that run beside us."""
