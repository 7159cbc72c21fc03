"""Long runs in one process at full speed: parts of the gateway without wires and without waiting."""
