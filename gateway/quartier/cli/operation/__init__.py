"""Commands that ask a running gateway, or give it orders."""
