"""What clients rely on: the OpenAPI document, what may change in it, and the client that is generated from it."""
