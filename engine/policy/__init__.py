"""YAML to a compiled policy set."""
