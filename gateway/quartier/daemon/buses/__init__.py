"""The buses of the running daemon, their recordings and their shares."""
