"""Inject unexpected errors at random awaits of the background tasks of all services."""
