"""The web console: pages of GraphCrons, for `graphcron console` and the facade alike."""
