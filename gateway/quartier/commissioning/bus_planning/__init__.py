"""The load of each bus, calculated before there is a wire."""
