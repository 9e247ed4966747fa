"""System checks: mistakes that would show late are told at start, with what to do about them.

Here are those of the site. A half, and the tokens, have their own; `registry` asks those that are on.
"""
