"""网格力量 — grid workers: what they see becomes a case, what they are asked for is a task, both also without a net.

models     Sighting, Task and the rows that hang on it      lifecycle  a task's life in one table
actions    sight, assign, answer, cancel                    policy     who is what to a task, who sees it
queries    my grids, my tasks, my sightings, the heat       events     what others hear
sync       one item of a phone's queue, told apart and done schemas    what the wire carries
patrols    plans of rounds, check-ins, coverage of a week   *_api      routes of posts and cards, of patrols

The one idea: a phone makes a ``client_id`` when something is saved and may send it as often as it likes; the first time counts.
Most used: ``actions.sight``, ``actions.assign``, ``actions.answer``, ``queries.tasks``, ``queries.heat``.
"""
