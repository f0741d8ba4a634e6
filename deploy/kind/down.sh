#!/usr/bin/env bash
# Removes the kind cluster and its registry, and all that was in them.
set -euo pipefail
kind delete cluster --name leopard
docker rm -f leopard-registry >/dev/null 2>&1 || true
