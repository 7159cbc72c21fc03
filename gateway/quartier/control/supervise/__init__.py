"""Status, alarms, losses and reports for people."""
