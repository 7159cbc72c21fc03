"""Real devices on a bench with simulated ones: their places, switches and meters."""
