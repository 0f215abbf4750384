"""How letters to drivers leave: ``hub.emsp.drivers.needs.Mailer``."""
