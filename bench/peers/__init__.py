"""What the hub is compared with, each in an environment of its own with pinned versions."""
