"""Commands for devices without a site file: scan, read, listen, profiles."""
