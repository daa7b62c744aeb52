"""The reverse proxy to the Agent Server."""
