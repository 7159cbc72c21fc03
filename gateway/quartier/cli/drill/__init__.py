"""``quartier drill``: every loss made to happen, and what was declared for it beside what was measured."""
