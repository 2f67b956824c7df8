"""Bulk reading for the command line: log files of any size to one decision per event, on all cores, in bounded memory.

The one entry is `deciding.decide_sources`. The other modules, from the outside in: `sources` (what is read), `reading` (files
shared among `workers`), `batches` (a file as batches of records), `chunks` (a text cut between records), `typed` and `rows`
(records decoded by the needed fields alone), `fields` (which those are), `row_decider` (the generated function that decides
rows), `memory`. The Lambda's zip leaves this package out, and nothing that the Lambda imports may import it.
"""
