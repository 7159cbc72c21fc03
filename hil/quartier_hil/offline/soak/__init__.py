"""Months of meters' bytes through the doors and the image: what was said, what was heard, what is kept."""
