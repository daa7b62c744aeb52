"""Authentication of callers: by API keys, or by Kubernetes tokens."""
