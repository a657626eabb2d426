"""A worker that turns any document model into a PDF. It knows nothing of funds."""
