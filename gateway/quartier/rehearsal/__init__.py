"""A site's buses before there are any: how much time they have, and what silent devices cost them."""
