"""Open a case and act on it: what several features stand on. A feature imports from here, and nothing here imports
a feature.
"""
