"""The edge: HTTP, secrets and log files, shared by the Lambda and the command line."""
