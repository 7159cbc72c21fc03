"""A whole simulated building for somebody else's gateway: every bus and device that its site file names."""
