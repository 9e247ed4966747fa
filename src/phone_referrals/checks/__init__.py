"""System checks: they report at start the mistakes that would show late, with a remedy.

These modules have the checks of the site. Each half and the tokens have their own; `registry` calls those of the halves
that are on.
"""
