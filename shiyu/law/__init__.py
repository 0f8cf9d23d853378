"""依据 — what is owed, by whom, by when, and where it is written.

books       the law itself as plain tables, reviewed in git      load       ``shiyu law load``: books into tables, idempotent
matters     诉求事项: the tree, search for pickers                 classifier text to matter, with reasons; may say unknown
limits      办理时限: when something is due, and by which row      calendar   工作日、调休: pure reckoning of days and hours
duties      权责清单: matter and place to the responsible offices  grounds    法定事由: the only allowed reasons for a refusal
holidays    the calendar's and the working hours' own rows         book       everything above in memory, one a process
edition     when the memory of a process is stale                  api        the law, readable by anybody

Most used: ``limits.due(s, matter, "handle", start, kind=…, level=…)``, ``duties.owner(s, matter, lineage)``,
``classifier.classify(text)``, ``grounds.require(s, code, verb)``, ``book.book()``.
"""
