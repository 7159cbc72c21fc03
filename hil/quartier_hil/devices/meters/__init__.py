"""Simulated smart meters on serial lines: each protocol encoded from its standard.

``speech`` holds what was said (bytes, and what they state), ``noise`` and ``uart`` are what a line
makes of it, ``port`` and ``push`` put it on ptys and TCP.  Each protocol is a folder: its words, its
meters, and ``draw``, which gives seeded random telegrams with the numbers that they carry.  Nothing
here is shared with the decoders it tests, and nothing here decodes.
"""
