"""What takes days, in one process and as fast as it goes: rooms of the gateway without wires or waiting."""
