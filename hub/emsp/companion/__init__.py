"""What makes the provider useful beside the charge itself: it tells, suggests, shows the way and remembers.

- Telling: ``notifier.py`` writes down what a driver is told, in the transaction of its cause; ``delivering.py`` brings
  it to him by the channels he chose (``preferences.py``), in his language (``hub/emsp/texts.py``), once.
- Suggesting: ``suggesting.py`` computes suggestions from what is known; ``calendars.py``, ``positions.py`` and
  ``favourites.py`` keep what is known, ``suggestions.py`` tells each once and says when one is over.
- The way: ``routing.py`` is the port and the estimates.
- Remembering: ``history.py`` with ``emissions.py``, ``feedback.py``, ``fleets.py``; ``waiting.py`` is notify-when-free.

``needs.py`` is what it needs of the rooms beside it. Decision 0034.
"""
