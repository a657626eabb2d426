"""Back up one consistent picture of the database, every object it names, and a manifest that proves both.

A backup folder holds `objects/`, shared by all backups (objects are named by their content and never change), and a
folder for each backup: `database.dump`, `objects.txt`, `manifest.json`. The manifest is written last: a folder
without one is no backup. Secrets are not in it: the master key must be kept elsewhere.
"""
