"""Fill in a draft: start, sections, 暂存, prefill, copies, changes of the form's version.

Other features read a draft through `filled_form`.
"""
