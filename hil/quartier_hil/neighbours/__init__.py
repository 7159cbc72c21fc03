"""Several buildings on real wires behind one transformer, each with a daemon of its own, and their
district.
"""
