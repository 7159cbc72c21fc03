"""Input series of the plant: records of homes, or standard profiles with weather and appliances."""
