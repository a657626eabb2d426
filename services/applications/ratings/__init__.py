"""好差评: what enterprises say of the office's work once a case has ended, and the bureau's view of it."""
