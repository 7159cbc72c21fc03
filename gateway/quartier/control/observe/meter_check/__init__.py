"""Check the grid meter against everything that is measured below it."""
