"""LangGraph's cron jobs for every self-hosted Agent Server, native to Kubernetes."""

__version__ = "0.1.0"
