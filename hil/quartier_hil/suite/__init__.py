"""Run several scenarios over wires, in sequence or in parallel; a set continues where it stopped."""
