"""Who calls the facade: API keys, or Kubernetes tokens."""
