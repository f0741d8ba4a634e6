module leopard/benchmarks/provider

go 1.21
