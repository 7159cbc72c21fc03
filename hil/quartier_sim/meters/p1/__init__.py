"""DSMR P1 telegrams and their national variants, encoded."""
