"""The district's optimiser: from what stands behind a transformer to a plan, as a linear program."""
