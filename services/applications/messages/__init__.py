"""What the bureau's people and the experts are told in the portal (消息): other rooms `tell`, each person reads and chooses."""
