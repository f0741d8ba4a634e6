#!/usr/bin/env bash
# A kind cluster called leopard with a registry of its own at 127.0.0.1:5001, and the namespace leopard in it.
# Can be run again at any time. NODE_IMAGE and REGISTRY_IMAGE name other images than kind's own and registry:2, for
# whoever reaches a mirror alone. Source of the registry's wiring: https://kind.sigs.k8s.io/docs/user/local-registry/
set -euo pipefail
cd "$(dirname "$0")"

for tool in docker kind kubectl; do
  command -v "$tool" >/dev/null || { echo "$tool is not on PATH" >&2; exit 1; }
done

registry=leopard-registry
port=5001
if [ "$(docker inspect -f '{{.State.Running}}' "$registry" 2>/dev/null || true)" != true ]; then
  docker run -d --restart=always -p "127.0.0.1:$port:5000" --network bridge --name "$registry" "${REGISTRY_IMAGE:-registry:2}"
fi

kind get clusters 2>/dev/null | grep -qx leopard ||
  kind create cluster --config cluster.yaml --wait 120s ${NODE_IMAGE:+--image "$NODE_IMAGE"}
kubectl config use-context kind-leopard

# the nodes know the registry by the name by which this machine knows it
for node in $(kind get nodes --name leopard); do
  folder="/etc/containerd/certs.d/localhost:$port"
  docker exec "$node" mkdir -p "$folder"
  printf '[host."http://%s:5000"]\n' "$registry" | docker exec -i "$node" cp /dev/stdin "$folder/hosts.toml"
done
[ "$(docker inspect -f '{{json .NetworkSettings.Networks.kind}}' "$registry")" != null ] || docker network connect kind "$registry"

kubectl apply -f - <<YAML
apiVersion: v1
kind: ConfigMap
metadata:
  name: local-registry-hosting
  namespace: kube-public
data:
  localRegistryHosting.v1: |
    host: "localhost:$port"
    help: "https://kind.sigs.k8s.io/docs/user/local-registry/"
YAML
kubectl apply -f namespace.yaml
echo "kind-leopard is up; next: tilt up, or make e2e-kind"
