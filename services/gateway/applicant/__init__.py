"""Show an applicant's pages outside the form: 我的项目, submission, reading, documents."""
