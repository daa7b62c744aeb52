"""What is handed on to the Agent Server."""
