#!/usr/bin/env bash
# A cluster as one makes it by hand over SSH on prepared nodes: kube-vip's manifest, kubeadm init, Calico, the joins one
# after the other, and the wait until all nodes are ready. What `bin/bench p2` compares with.
#   bare.sh FOLDER IGNORED MASTER… -- WORKER…
# FOLDER has ssh_config, kubeadm.yaml, kube-vip.yaml and calico.yaml; IGNORED are checks of kubeadm that may fail.
set -euo pipefail
folder=$1 ignored=$2 first=$3
shift 3

on() { ssh -F "$folder/ssh_config" "$1" sudo "${@:2}"; }
put() { on "$1" tee "$2" >/dev/null; }
kubectl() { on "$first" kubectl --kubeconfig /etc/kubernetes/admin.conf "$@"; }
static_pod=/etc/kubernetes/manifests/kube-vip.yaml

# Until init has ended only the super user's kubeconfig has rights.
on "$first" mkdir -p /etc/kubernetes/manifests
sed 's#path: /etc/kubernetes/admin.conf#path: /etc/kubernetes/super-admin.conf#' "$folder/kube-vip.yaml" |
    put "$first" "$static_pod"
put "$first" /root/kubeadm.yaml <"$folder/kubeadm.yaml"
on "$first" kubeadm init --config /root/kubeadm.yaml --ignore-preflight-errors="$ignored"
put "$first" "$static_pod" <"$folder/kube-vip.yaml"

kubectl apply --server-side --filename - <"$folder/calico.yaml"

key=$(on "$first" kubeadm init phase upload-certs --upload-certs | tail -n 1)
read -ra join < <(on "$first" kubeadm token create --print-join-command)
while [ "$1" != -- ]; do
    on "$1" "${join[@]}" --control-plane --certificate-key "$key" --ignore-preflight-errors="$ignored"
    put "$1" "$static_pod" <"$folder/kube-vip.yaml"
    shift
done
shift
for worker in "$@"; do
    on "$worker" "${join[@]}" --ignore-preflight-errors="$ignored"
done
kubectl wait nodes --all --for=condition=Ready --timeout=600s
