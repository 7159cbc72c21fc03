"""Commands of an installer: site file, checks, fall-backs, probes, records."""
