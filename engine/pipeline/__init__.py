"""How a batch of events is processed: `batch` has the order of the stages; read it first, then the stages in that order.

decode -> select -> dedupe -> decide -> audit, mask -> digest -> render, deliver, outcome, metrics; several use `facts`.
Nothing is imported here, so importing one stage does not import the others.
"""
