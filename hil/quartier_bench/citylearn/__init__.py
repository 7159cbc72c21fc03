"""The gateway's planner inside CityLearn's own environment, which runs in an interpreter of its own."""
