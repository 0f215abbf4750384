"""The charger protocol: OCPP versions as one set of events and commands."""
