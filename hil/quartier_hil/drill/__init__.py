"""Each loss made to happen on the simulated building, and how long the daemon took to do what it declares."""
