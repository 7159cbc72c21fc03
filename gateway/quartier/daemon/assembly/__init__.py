"""Make the site for control and the buses from the site file."""
