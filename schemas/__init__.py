"""The objects as JSON Schema, one folder per version; written by ``make schemas``."""
