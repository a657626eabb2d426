"""What two people do: what waits for a second person (待我复核), its confirmation, and 职责分离报告 of a year."""
