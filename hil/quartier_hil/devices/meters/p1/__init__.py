"""DSMR P1 telegrams and their national kin, encoded."""
