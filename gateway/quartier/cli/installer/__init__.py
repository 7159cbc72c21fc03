"""Commands of an installer: site file, checks, fallbacks, probes, records."""
