"""The task that plans: its inputs, training, surcharges and points."""
