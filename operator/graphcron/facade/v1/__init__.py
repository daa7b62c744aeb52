"""GraphCron's own REST endpoints, `/graphcron/v1`: what LangGraph's cron endpoints have no words for."""
