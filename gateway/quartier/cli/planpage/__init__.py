"""The page of a plan: curves, what was given up, and the reason of each step, in one HTML file."""
