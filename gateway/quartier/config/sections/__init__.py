"""The sections of the site file and the types of their values."""
