"""The gateway's own forecast, judged on records of homes."""
