"""Real devices on a bench beside simulated ones: what stands for what, who switches and who measures it."""
