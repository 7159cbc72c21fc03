"""The processes around the plant: broker, district and the daemon under test, and how they end."""
