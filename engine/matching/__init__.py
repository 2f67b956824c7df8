"""JMESPath to fast predicates; knows nothing of AWS."""
