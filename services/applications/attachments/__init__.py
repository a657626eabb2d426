"""Take in, inspect and hand out attachments. `inspection` runs in processes of its own."""
