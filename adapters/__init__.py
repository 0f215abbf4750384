"""Other makers' systems, one file each, behind a port of the room that needs it."""
