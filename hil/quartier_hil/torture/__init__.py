"""The loss contract under torture: a recorder plays the district, faults are made, keys are counted."""
