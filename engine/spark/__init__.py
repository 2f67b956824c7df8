"""Replays and diffs on Apache Spark: the local engine in each task, over a part of the files, and one merge of the results.

`jobs` divides the files, starts the tasks and merges what they give; `tasks` is what runs on the workers; `table` is the shape of
decisions as columns. It needs PySpark and pyarrow, which are extras, so only commands with `--engine spark` import it.
"""
