"""Turn any document model into a PDF. The worker knows nothing of funds."""
