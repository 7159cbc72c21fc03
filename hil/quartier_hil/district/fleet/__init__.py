"""What the reference district knows of its buildings, says to them, and hears of it."""
