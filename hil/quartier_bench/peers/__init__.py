"""Other programs that are compared with Quartier: installation, C and Node.js sources, and scripts.

Each script runs in the Python of its peer and imports nothing of ours.
"""
