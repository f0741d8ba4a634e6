"""What the http provider knows of a message when its connection breaks: on real sockets and on both event loops."""
