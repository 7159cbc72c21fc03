"""Receive meters without a site file: find protocol and profile, and decode captures."""
