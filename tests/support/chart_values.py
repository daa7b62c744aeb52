"""Values of the chart that several tests set."""

PEER = 'networkPolicy.agentServer.to:=[{"podSelector":{"matchLabels":{"app":"agent-server"}}}]'
POLICIES = ("networkPolicy.enabled=true", PEER)
