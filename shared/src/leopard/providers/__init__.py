"""Providers: the contract that every provider fulfils. Opens no socket."""
