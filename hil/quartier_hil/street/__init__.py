"""Several buildings on real wires behind one transformer, each with its own daemon, and their district."""
