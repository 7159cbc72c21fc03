"""Tables, JSON, times and texts that commands print."""
