"""名录 — who and where: the areas of the city, its offices, its staff, and which areas stand on emergency duty.

places      areas from city to cell with validity, successors and aliases; named places
gazetteer   where is it: a point or free Chinese text to the lineage of an area, in process, with reasons
imports     boundaries from GeoJSON, converted, mended, each refusal with its reason
orgs        offices, posts, duty rosters                 people      staff; telephones sealed
readiness   平战: which areas are on emergency duty      api         /api/areas /api/locate /api/orgs /api/duty
coords codes names spotting located identifiers   pure: frames, area codes, pinyin, names in text, answers, numbers

Most used: ``gazetteer.gazetteer(s).locate_point(lon, lat)``, ``…locate_text(text)``, ``orgs.org_by_code``, ``places.area_by_code``,
``readiness.level_of``.
"""
