"""The API contract: the OpenAPI document, its allowed changes, and a client generated from it."""
