"""Records of a bus served back to whoever asks: a fault of the field as a regression test."""
