"""Device profiles: schema, rules, loading and proofs. The profiles themselves are data, in ``profiles``."""
