"""Mask what identifies a person in the capture of a meter, and keep its checksums right."""
