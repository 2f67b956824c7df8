"""Bulk processing for the command line: turns log files of any size into one decision per event, on all cores, in bounded memory.

The only entry point is `deciding.decide_sources`. The other modules, from the outside in: `sources` (what is read), `reading`
(distributes files over `workers`), `batches` (splits a file into batches of records), `chunks` (splits text at record
boundaries), `typed` and `rows` (decode only the fields that are needed), `fields` (which fields those are), `row_decider` (looks
verdicts up by answers), `set_columns` and `columns` (which answers the rows of a batch get, field by field), `answers` (those to
a value), `lines` (decisions as JSON Lines), `memory` (garbage collector and allocator settings).
The Lambda's zip leaves this package out, and nothing that the Lambda imports may import it.
"""
