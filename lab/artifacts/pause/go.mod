module detectviz.infra/lab/pause

go 1.26.0
