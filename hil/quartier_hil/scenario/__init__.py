"""Scenario files: site, events and expectations, and what is derived from them before a run."""
