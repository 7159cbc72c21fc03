"""The history on disk: database, writer, log of commits, eviction and salvage."""
