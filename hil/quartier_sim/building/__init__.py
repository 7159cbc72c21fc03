"""A whole simulated building for any gateway: every bus and device that its site file names."""
