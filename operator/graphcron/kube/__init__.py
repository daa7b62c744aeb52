"""The Kubernetes API: client, errors, reflector, watch liveness, leader election."""
