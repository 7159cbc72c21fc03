"""``quartier drill``: cause every loss, and compare what was declared for it with what was measured."""
