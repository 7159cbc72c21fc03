"""Small commanded steps of an asset, and what they prove of it and its meters (pure)."""
