"""What is wrong with a site file, beyond the type of each key."""
