"""Load test: hundreds of gateways over a real broker, by sessions of the product itself, and the hosts
that share them.
"""
