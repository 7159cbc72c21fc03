"""Simulated smart meters on serial lines: each protocol encoded from its standard.

``telegrams`` has the output of a meter (bytes and their statements), ``line_noise`` the effects of a line,
``push_sender`` puts it on a port.  Each protocol is a package: its terms, its meters, and seeded random
telegrams with the numbers that they carry.  Nothing here is shared with the decoders it tests, and nothing
here decodes.
"""
