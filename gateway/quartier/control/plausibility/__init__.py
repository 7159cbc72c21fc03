"""Whether the connection meter may be believed: judged against all that is measured below it (pure)."""
