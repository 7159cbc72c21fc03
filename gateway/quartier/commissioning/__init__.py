"""Commissioning: what small commanded steps prove of an asset and the meters that see it (pure)."""
