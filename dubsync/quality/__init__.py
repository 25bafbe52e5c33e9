"""Measurements of a finished dub, and the report that tells them: JSON for machines, one page for people.

Each measurement is a function of what it needs; nothing here knows stages. What could not be measured is None, never
a number that looks like one.
"""
