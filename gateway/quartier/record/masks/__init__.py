"""Identifiers in a record made unreadable, with checksums that hold again: what ``--anonymise`` does."""
