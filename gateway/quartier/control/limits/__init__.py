"""The limits in force, the connection tree that carries them, and whether they are kept."""
