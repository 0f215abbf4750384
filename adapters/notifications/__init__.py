"""How drivers are told: implementations of ``hub.emsp.companion.needs.Channel``."""
