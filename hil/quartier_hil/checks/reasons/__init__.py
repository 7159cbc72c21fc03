"""Check each reason that the gateway gives against site, orders and measurements."""
