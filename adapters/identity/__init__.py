"""How drivers prove who they are elsewhere: ``hub.emsp.drivers.needs.Identities``."""
