"""Linky's customer information (TIC), historique and standard, encoded."""
