"""演示 — a synthetic Anshan to try the house on. Codes and names of counties and townships are real, everything finer is made up.

Rows made here carry ``origin`` "synthetic": boundaries, communities, grids, people, telephones and companies exist nowhere else.
"""
