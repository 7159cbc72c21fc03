"""The simulated building: pure physics, time passed in, one sign (plus takes energy)."""
