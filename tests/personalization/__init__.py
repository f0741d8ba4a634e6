"""Tests of personalized campaigns from the request to the provider, with all services and a provider simulator."""
