"""Simulated plants with an OPC UA server: real TCP, real certificates, every kind of fault.

``plants`` has the variables and the behaviour of the plants.  ``fault_relay`` is between the server and
its
clients and acts on bytes as a wire does; ``server`` is the only file that imports asyncua.
"""
