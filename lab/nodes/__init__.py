"""Real systems for the lab: image, containers, network, and what keeps the machine safe from them."""
