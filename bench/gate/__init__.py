"""How often the gate is wrong, simulated through the gate's own code."""
