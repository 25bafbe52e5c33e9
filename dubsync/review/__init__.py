"""The translators' desk: a page of each title's languages, with the film, its lines, and what can be said better.

It is served to a browser on this machine. What people change there becomes edits, as an imported script does; it runs
no jobs. Nothing imports this room but the command line; it needs the extra `review`.
"""
