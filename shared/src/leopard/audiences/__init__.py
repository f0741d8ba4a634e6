"""Audiences: the recipients of a send, as a model, as an SQL condition, and as a snapshot at the send."""
