"""Understand the formulas of a form: parse, check types and names, find dependency cycles, evaluate, put into
words.
"""
