#!/usr/bin/env bash
# Creates the kind cluster leopard, a registry at 127.0.0.1:5001, and the namespace leopard.
# You can run it again at any time. NODE_IMAGE and REGISTRY_IMAGE replace kind's node image and registry:2, for example
# with those of a mirror. The registry follows https://kind.sigs.k8s.io/docs/user/local-registry/
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

# nodes reach the registry under the same address as this machine
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
echo "cluster kind-leopard is ready; next: tilt up, or make e2e-kind"
