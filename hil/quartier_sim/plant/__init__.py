"""The simulated building: pure physics of its assets; time is passed in, plus takes energy."""
