"""Signed documents of the district: forms, issuers, verification and order."""
