"""Cause each loss on the simulated building, and measure how long the daemon takes to react."""
