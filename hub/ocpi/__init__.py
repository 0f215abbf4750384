"""The protocol: what is said in OCPI and how it travels; knows no party."""
