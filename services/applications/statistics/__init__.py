"""统计: sums over cases, which the relay keeps current from the audit, and the bureau's view of them. `facts` says what a case counts for."""
