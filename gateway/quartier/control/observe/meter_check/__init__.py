"""Check the connection meter against all that is measured below it."""
