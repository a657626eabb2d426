"""`make rehearse`: deadline night played by an invented crowd, and a page that says how the system bore it."""
