"""市域 — a platform with which a city governs itself. The map.

On a kernel lies a **directory** of who and where; beside it the **law** that says what is owed. A voice becomes a **case**. Rooms above
listen to what happens and never the other way round:

    cli                     front door: shiyu serve | migrate | law load | import | demo | doctor | audit verify …
    api  worker             front doors: HTTP; listeners, ticks and jobs
    channels … analysis     渠道 智能搜索 行政问效 统一监管 监测预警 分析研判
    command field services  联动指挥 网格力量 一网通办
    cases                   诉求工单 — one request, from its first word to the last call-back
    law                     依据 — what is owed, by whom, by when, and where it is written
    directory               名录 — areas, offices, people
    kernel                  地基 — database, events, life-cycles, sign-in, audit, vault, files

A room imports only from rooms below it. It writes another room's rows only through that room's verbs. Upward there is only news:
events that are rows in PostgreSQL. Start reading at ``cases/lifecycle.py``.
"""
