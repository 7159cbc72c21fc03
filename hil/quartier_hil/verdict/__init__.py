"""What was promised and what was measured (pure)."""
