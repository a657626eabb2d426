"""Write and publish a form: read its source, find its faults, compare versions. No request is answered from here."""
