"""The demo: from nothing to real runs on a real cluster, through all three doors."""
