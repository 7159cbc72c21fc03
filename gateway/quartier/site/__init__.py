"""The site model: assets, connection tree, process image, samples, alarms (pure)."""
