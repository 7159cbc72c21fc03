"""Grid events: rows, readings, detection and effects of frequency and voltage."""
