"""What operator and run pod agree on: orders, outcomes, day rules, formats. Standard library alone."""
