"""The public HTTP contract (`/api/v1`) as models that both sides import: services answer by them, and the gateway reads answers
into them. A change here is a change of contract: see CONTRIBUTING."""
