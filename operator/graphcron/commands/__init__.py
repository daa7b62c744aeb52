"""The commands for people: `graphcron list`, `explain`, `lint` and the rest, also as `kubectl graphcron`."""
