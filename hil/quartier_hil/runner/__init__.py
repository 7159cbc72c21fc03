"""Run a scenario over wires: plant, devices, district and daemon as processes."""
