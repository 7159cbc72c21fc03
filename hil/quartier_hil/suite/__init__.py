"""Several scenarios over wires, in sequence or in parallel, that continue where they were left."""
