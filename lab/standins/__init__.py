"""Programs that stand for images which cannot be had offline: kube-vip and Calico."""
