"""The notifier: tells people through channels what becomes of GraphCrons. It alone reads channels' Secrets."""
