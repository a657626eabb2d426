"""The pages people see, one file per place a person goes. Plain HTML first: every one works without a script."""
