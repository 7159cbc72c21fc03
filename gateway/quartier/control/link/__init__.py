"""The link to the district: its states, its documents and the limits that they set."""
