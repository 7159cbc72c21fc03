"""One file for each class of asset: what it would like by its own sense, and how far it may be moved."""
