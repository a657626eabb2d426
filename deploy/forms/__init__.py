"""`python -m deploy.forms`: the tools for people who write forms. The guide: `services/applications/forms/GUIDE.md`."""
