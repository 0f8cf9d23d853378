"""一网通办 — what the city can tell at once. Today the knowledge base: an office's answer to a question that many ask.

models     KnowledgeEntry, its versions, acts, uses, remarks; Question      lifecycle  the life of an entry and of a question
matching   text to entries with reasons, in memory                 compare    what changed between two versions
actions    write, act, use, remark, settle, raise_question         policy     who is what to an entry, who sees it
queries    lists, one entry, suggestions                           schemas    what the wire carries

The one idea: readers read the newest published version, whole and unchanged, while the next one is being written beside it.
Most used: ``queries.suggest``, ``queries.entries``, ``actions.act``, ``actions.use``, ``actions.raise_question``.
"""
