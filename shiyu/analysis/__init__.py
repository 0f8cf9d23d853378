"""分析研判 — what happens, where and how it goes: facts about cases, kept figures, heat.

``actions.apply`` turns news into facts and figures, ``actions.rebuild`` makes them anew from the feed; ``queries.summary``,
``queries.by_area``, ``queries.by_matter``, ``queries.hours`` and ``heat.heat`` read them. Drills are left out unless asked for.
"""
