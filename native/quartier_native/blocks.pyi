# The column coder is for other kernels (``cimport``); nothing of it is for Python.
