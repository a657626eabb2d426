"""Stand between the network and the pages: access, limits, calls to the services, rendering,
error pages.
"""
