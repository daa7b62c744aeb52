"""A suite of faults: hundreds of firings while everything around them is killed, frozen, filled up or lied to."""
