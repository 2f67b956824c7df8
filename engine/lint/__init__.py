"""What is wrong with a policy set."""
