"""The way of an event, one stage a file."""
