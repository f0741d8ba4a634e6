"""Imports of customers: the reading of the files that people upload."""
