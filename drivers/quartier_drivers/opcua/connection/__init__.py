"""Connections to OPC UA servers: sessions, credentials, subscriptions and status codes."""
