"""What serves LangGraph's cron endpoints over GraphCrons, and hands everything else to the Agent Server."""
