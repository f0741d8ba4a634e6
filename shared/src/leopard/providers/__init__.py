"""Message providers: their contract, and the request and response format of each. Opens no socket."""
