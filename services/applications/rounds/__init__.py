"""Keep the rounds (批次): windows, parameters, offered forms, permissions to come late.

Other features read rounds through `core.rounds`; they change nothing here.
"""
