"""演示城市 — a synthetic Anshan: areas without gaps from city to cell, places to be named in texts, offices, staff and rosters.

Real are the codes and names of the city, its counties and townships (statistical codes of 2023-06-30), the centres and populations
of the counties (census of 2020), 乐雪社区 and 烈士山 with their old codes. Made up, and marked ``origin="synthetic"``, is the rest.
Deterministic by ``seed``, but for the ids.
"""

from shiyu.demo.city.build import City, Staff, build

__all__ = ["City", "Staff", "build"]
