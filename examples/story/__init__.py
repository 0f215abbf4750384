"""The chapters of the demo's story, a file each; a chapter is a list of steps, a step a title and what it does."""
