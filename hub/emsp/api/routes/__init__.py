"""The routes of the eMSP's API, one file per room."""
