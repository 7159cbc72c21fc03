"""``quartier plan``: the plan of a battery or a site, as text, JSON or an HTML page."""
