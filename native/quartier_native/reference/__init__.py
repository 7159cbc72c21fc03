"""The specification of the kernels, in plain Python."""
