"""What rows mean: KL in nats, roles of rewards, grades, attempts, versions of gold."""
