"""What people must know: status, alarms, losses and reports."""
