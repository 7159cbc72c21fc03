"""``quartier top``: one screen that follows the running daemon, and lets a person look into it."""
