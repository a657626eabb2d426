"""Decide cases: batches, experts and score sheets, ranking, 公示, objections, the director's decision."""
