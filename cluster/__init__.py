"""A real Kubernetes for development and tests: ``python -m cluster up``.

Three kinds of cluster, chosen by ``--cluster``: *kind* where a Docker or podman
engine answers, *local* (the Kubernetes components as plain processes of this
machine) where none does, and *current*, which borrows the cluster that kubectl
already points at. Whichever it is, ``cluster.paths.KUBECONFIG`` leads to it.
"""
