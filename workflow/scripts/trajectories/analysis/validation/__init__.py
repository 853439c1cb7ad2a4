"""How often the statistics are wrong and how often they find what is there, by simulation: the tables of the docs.

`make validation` writes them (`__main__`); a table is a `frame.Table` in the module of its subject.
"""
