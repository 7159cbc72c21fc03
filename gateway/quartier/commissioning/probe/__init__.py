"""Small commanded steps of an asset, and what they prove about it and its meters (pure)."""
