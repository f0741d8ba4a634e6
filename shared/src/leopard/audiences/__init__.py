"""Audiences: whom a send goes to, as a model, as a SQL condition, and as counted when the send begins."""
