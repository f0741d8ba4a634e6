"""The chart, without a cluster: rendered, checked by Kubernetes' schemas, installed into a server of our own."""
