"""Functional Mock-up Interface (FMI 2.0 and 3.0): FMUs as assets of a building, and a building as an FMU."""
