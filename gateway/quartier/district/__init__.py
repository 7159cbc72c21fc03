"""The link to the central district optimiser."""
