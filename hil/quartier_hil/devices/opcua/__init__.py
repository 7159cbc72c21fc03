"""Simulated plants with an OPC UA server of their own: real TCP, real certificates, every way to misbehave.

``space`` has the variables of a plant, ``station`` is the plant, ``heat`` and ``terminal`` are two of
them.  ``relay`` is between the server and its clients and acts on bytes as a wire does; ``server`` is
the only file that imports asyncua.
"""
