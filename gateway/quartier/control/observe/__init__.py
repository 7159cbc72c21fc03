"""What is known of assets, meters, clocks and inputs."""
