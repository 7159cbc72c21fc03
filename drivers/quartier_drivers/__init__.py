"""Device drivers: one folder per protocol; device profiles are data."""
