"""Plans for batteries, cars, heat, batches and runs, with a reason for each step (pure)."""
