"""The routes of the operator API, one file per thing."""
