"""统一监管 — watching running work: 红黄绿灯, promises that were missed, the board of the wall.

``actions.sweep`` notices missed promises every minute; ``queries.lights`` counts lights by county and office, ``queries.overdue``
lists overdue cases, ``queries.board`` is what the wall shows.
"""
