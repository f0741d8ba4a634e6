"""Customers: their routes and their rows."""
