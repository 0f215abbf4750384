"""What a test counts, told at the end of the run, whichever process ran it."""

from collections.abc import Callable

#: Tells a line; the fixture ``tell`` is one.
Tell = Callable[[str], None]

PROPERTY = "told"
