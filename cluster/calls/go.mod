module graphcron.dev/cluster/calls

go 1.26.0
