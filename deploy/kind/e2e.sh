#!/usr/bin/env bash
# Installs the chart into a cluster, runs tests/e2e there, and replaces every pod during a campaign.
# With KUBECONFIG it uses that cluster, which must be able to pull the images (IMAGE_REGISTRY, IMAGE_TAG); else kind's leopard.
# RECIPIENTS of that campaign: raise it if replacing the pods takes longer than half a minute.
set -euo pipefail
cd "$(dirname "$0")/../.."

namespace=leopard-e2e
release=leopard
tag=${IMAGE_TAG:-$(git rev-parse --short HEAD)}

if [ -z "${KUBECONFIG:-}" ]; then
  deploy/kind/up.sh
  make images TAG="$tag"
  for image in campaign-api dispatcher sender-worker provider-simulator; do
    kind load docker-image --name leopard "leopard/$image:$tag"
  done
fi

logs() {
  kubectl -n "$namespace" get pods -o wide || true
  for component in campaign-api dispatcher sender-worker-default simulator migrate postgres rabbitmq; do
    echo "== $component"
    kubectl -n "$namespace" logs --tail 50 --prefix -l "app.kubernetes.io/component=$component" || true
  done
}
forward() { # forwards a service's port, and reconnects after its pod was replaced
  trap 'kill "$!" 2>/dev/null; exit' TERM
  while true; do
    kubectl -n "$namespace" port-forward "svc/$1" "$2" >/dev/null 2>&1 &
    wait "$!" || true
    sleep 0.2
  done
}
finish() {
  status=$?
  [ "$status" = 0 ] || logs
  [ -z "${forwards:-}" ] || kill $forwards 2>/dev/null || true
  exit "$status"
}
trap finish EXIT

sed "s/name: leopard$/name: $namespace/" deploy/kind/namespace.yaml | kubectl apply -f -
installed=$(helm list --namespace "$namespace" --short --filter "^$release\$")
helm upgrade --install "$release" deploy/helm/leopard --namespace "$namespace" \
  --values deploy/helm/leopard/values-dev.yaml \
  --set "image.registry=${IMAGE_REGISTRY:-}" --set-string "image.tag=$tag" --wait --timeout 5m

# after an upgrade old pods still run for some seconds; a port-forward to one of them would break
until [ "$(kubectl -n "$namespace" get pods -o name -l app.kubernetes.io/component=campaign-api | wc -l)" = \
  "$(kubectl -n "$namespace" get deployment "$release-campaign-api" -o 'jsonpath={.status.readyReplicas}')" ]; do sleep 1; done

forward "$release-simulator" 18090:8090 &
forwards=$!
forward "$release-campaign-api" 18080:80 &
forwards="$forwards $!"
sleep 3

# the documented requests have the ids of a new installation, so they come before any other campaign
[ -n "$installed" ] ||
  PYTHONPATH=deploy/local:tests uv run --frozen python -m e2e.first_campaign --api http://127.0.0.1:18080
helm test "$release" --namespace "$namespace" --logs
make e2e BASE_URL=http://127.0.0.1:18080
PYTHONPATH=deploy/local:tests uv run --frozen python -m e2e.rolling --api http://127.0.0.1:18080 --simulator http://127.0.0.1:18090 \
  --recipients "${RECIPIENTS:-30000}" -- \
  sh -ec "
    kubectl -n $namespace delete --wait=false \$(kubectl -n $namespace get pods -o name -l app.kubernetes.io/component=sender-worker-default | head -1)
    for part in campaign-api dispatcher sender-worker-default; do
      kubectl -n $namespace rollout restart deployment/$release-\$part
    done
    for part in campaign-api dispatcher sender-worker-default; do
      kubectl -n $namespace rollout status deployment/$release-\$part --timeout=5m
    done"
