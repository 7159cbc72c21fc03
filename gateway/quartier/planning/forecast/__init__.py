"""Forecast what the site takes and generates, from its own history."""
