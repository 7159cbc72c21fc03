"""Input series of the plant: measured records, or standard profiles with weather and appliance events."""
