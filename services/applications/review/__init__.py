"""Review cases: the list, leases, returns, opinions, requests to unlock, the export."""
