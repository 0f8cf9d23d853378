"""诉求工单 — a request from its first word to the last call-back.

models     Case and the rows that hang on it        lifecycle  the whole life in one table
triage     where is it, what is it, whose is it     policy     who is what to a case, who sees it
actions    the verbs, each one act                  queries    work lists, one case with its timeline, the public look-up
events     what others hear                         schemas    what the wire carries

Most used: ``actions.accept``, ``actions.act(s, viewer, no, verb, brought)``, ``queries.listing``, ``queries.one``,
``policy.visible_to``.
"""
