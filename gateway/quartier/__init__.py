"""The decisions: configuration, process image, control, history, district link, daemon and command line."""
