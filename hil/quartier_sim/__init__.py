"""Simulator: plant physics, load series, simulated devices of every protocol with faults."""
