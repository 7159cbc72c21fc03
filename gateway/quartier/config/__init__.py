"""Everything that the site file may contain, declared once."""
