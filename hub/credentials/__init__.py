"""The reception: who is connected, and how they came in."""
