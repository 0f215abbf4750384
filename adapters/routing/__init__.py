"""Who knows roads: implementations of ``hub.emsp.companion.routing.Router``."""
