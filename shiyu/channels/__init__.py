"""渠道 — how voices come in and answers go out. Each door calls the room of cases; none keeps a case of its own.

reading     批量文件读取: a CSV file, packed or not, its encoding and its columns
mapping     字段对照: which column is what, and one row as a report
importing   批量导入: a file becomes cases, every row accounted for, the same row never twice
"""
