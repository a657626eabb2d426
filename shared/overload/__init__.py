"""Stay answerable under load: priorities, admission, deadlines, circuit breakers."""
