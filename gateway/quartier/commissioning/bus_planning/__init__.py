"""The time of each bus, calculated before there is a wire."""
