"""The process image and what the building is made of (pure)."""
