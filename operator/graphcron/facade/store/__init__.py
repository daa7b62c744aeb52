"""Where the facade reads and writes GraphCrons."""
