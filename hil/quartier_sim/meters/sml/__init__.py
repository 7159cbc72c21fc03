"""SML files as optical heads push them, encoded."""
