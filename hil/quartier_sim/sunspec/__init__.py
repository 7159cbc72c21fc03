"""Simulated SunSpec devices: both generations of models, encoded by hand from the model files.

Nothing is shared with the gateway's driver: layouts come from the SunSpec Alliance's model files (data of
the
package pysunspec2, Apache-2.0), data types and timers from the specifications.
"""
