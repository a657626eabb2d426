"""What every page and every API call passes through, whoever they are for."""
