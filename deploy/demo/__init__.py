"""Tell the whole story of an application through public HTTP only (`make demo`)."""
