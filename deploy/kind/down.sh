#!/usr/bin/env bash
# Removes the kind cluster and its registry with all data.
set -euo pipefail
kind delete cluster --name leopard
docker rm -f leopard-registry >/dev/null 2>&1 || true
