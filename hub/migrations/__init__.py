"""The steps from each schema to the next, written by `make migrations`, applied when a store is opened."""
