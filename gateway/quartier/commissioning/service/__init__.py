"""Arming and probing on real wires, without a daemon."""
