"""The rig: a simulated building on real wires."""
