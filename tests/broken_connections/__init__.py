"""The outcomes that the HTTP sender reports for broken connections, on real sockets and both event loops."""
