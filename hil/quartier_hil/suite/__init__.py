"""Several scenarios over wires, one after the other or beside each other, that go on where they were left."""
