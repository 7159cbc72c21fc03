"""The control core: from readings, requests and limits to orders (pure)."""
