"""Gateways that send short messages; the port is ``hub.emsp.charging.needs.SmsGateway``."""
