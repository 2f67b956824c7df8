"""Guarantees over all events: what no later edit of a policy set may break.

A policy set is written as one boolean formula over questions about single fields (`encoding`, `circuit`). A SAT solver proposes
answers that break a guarantee (`prover`). Whether a field can have a value that gives them is decided for each field by itself
(`fields`, `automata`), and a refuted combination becomes a clause for the solver. Values for all fields make a record
(`records`), about which the real `decide` has the last word. So there are three results: proved, broken by this event, and
unknown, with the reason.

Nothing of this is in the Lambda's zip. It needs python-sat, which the extra `prove` installs.
"""
