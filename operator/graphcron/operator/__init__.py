"""What reconciles GraphCrons into CronJobs."""
