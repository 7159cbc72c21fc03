"""Work of the installer before the gateway runs."""
