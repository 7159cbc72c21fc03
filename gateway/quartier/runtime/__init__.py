"""Time, tasks and the outside of the process."""
