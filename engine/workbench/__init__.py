"""What people do with policies and events."""
