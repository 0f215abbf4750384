"""The service provider (eMSP)."""
