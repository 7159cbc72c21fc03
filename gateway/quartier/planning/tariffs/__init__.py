"""What energy costs: prices, CO2 and peaks."""
