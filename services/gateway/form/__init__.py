"""Show and take in the form that an applicant fills in, one page a section."""
