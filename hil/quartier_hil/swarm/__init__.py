"""A thousand gateways over a real broker: the product's own sessions, and hosts that share them."""
