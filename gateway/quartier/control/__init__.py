"""What is wanted, what is allowed, and what is therefore done (pure)."""
