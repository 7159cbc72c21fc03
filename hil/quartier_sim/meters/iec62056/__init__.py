"""IEC 62056-21 meters, mode C and mode D, encoded."""
