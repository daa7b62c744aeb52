"""Cron expressions and when they fire."""
