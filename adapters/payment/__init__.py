"""Payment providers behind the port of ``hub.emsp.money``."""
