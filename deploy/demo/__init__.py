"""`make demo`: the whole story of an application, told through public HTTP only."""
