"""What people read of GraphCrons, by terminal, page and REST, and what their requests write. Pure."""
