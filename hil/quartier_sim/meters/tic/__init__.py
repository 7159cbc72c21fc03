"""Customer information (TIC) of the Linky, historique and standard, encoded."""
