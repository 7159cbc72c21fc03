"""Simulated plants with an OPC UA server of their own: real TCP, real certificates, every way to misbehave.

``space`` says what a plant shows and takes, ``station`` is the plant, ``heat`` and ``terminal`` are two of
them.  ``relay`` stands between the server and its clients and does to bytes what a wire does; ``server`` is
the only file that imports asyncua.
"""
