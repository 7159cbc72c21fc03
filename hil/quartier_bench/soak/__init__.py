"""Months of bytes from meters through drivers and process image: what was sent, received and kept."""
