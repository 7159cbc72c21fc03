"""Check that no sample is lost under faults of broker, network, clock and district.

The daemon runs as a black box; a recorder takes the part of the district, and every key (boot, stream,
sequence) is counted.
"""
