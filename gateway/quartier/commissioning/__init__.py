"""What an installer does before the gateway runs."""
