"""From requests to setpoints inside all limits."""
