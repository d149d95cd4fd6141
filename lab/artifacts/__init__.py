"""What stands for the internet: programs, packages and images of Kubernetes, downloaded or built, kept in the cache."""
