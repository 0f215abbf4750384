"""The demo, sample platforms to borrow from, and a script that speaks every module; nothing of the hub's code."""
