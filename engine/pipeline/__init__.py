"""The way of a batch of events: `batch` is its order, to be read first, then the stages in that order.

decode -> select -> dedupe -> decide -> audit, mask -> digest -> render, deliver, outcome, metrics; several ask for `facts`.
Nothing is imported here, so that who needs one stage starts no other.
"""
