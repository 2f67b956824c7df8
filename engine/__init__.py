"""Trailbell rings the right Slack channel when someone touches an S3 bucket."""

__version__ = "0.1.0.dev0"
