"""The runner behind bin/test: suites of several tools, one count at the end."""
