"""What the site file may say, declared once."""
