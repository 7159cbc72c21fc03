"""The district's optimiser: from the buildings behind a transformer to a plan, as a linear program."""
