"""The GraphCron resource: its spec and status, its CRD, its labels and ids, and the order that a spec means."""
