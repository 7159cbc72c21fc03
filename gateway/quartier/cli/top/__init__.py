"""``quartier top``: a screen that follows the running daemon, with pages for its details."""
