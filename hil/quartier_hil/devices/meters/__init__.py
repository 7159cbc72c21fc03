"""Simulated smart meters on serial lines: each protocol encoded from its standard.

``speech`` has the output of a meter (bytes and their statements), ``noise`` and ``uart`` the effects of a
line, ``port`` and ``push`` put it on ptys and TCP.  Each protocol is a folder: its terms, its meters, and
``draw``, which gives seeded random telegrams with the numbers that they carry.  Nothing here is shared with
the decoders it tests, and nothing here decodes.
"""
