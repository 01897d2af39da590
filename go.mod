module github.com/bpf2lskel/bpf2lskel

go 1.25.0

require (
	github.com/aymanbagabas/go-udiff v0.4.1
	github.com/cilium/ebpf v0.22.0
	github.com/dave/jennifer v1.7.1
	github.com/google/go-cmp v0.7.0
	github.com/smallstep/pkcs7 v0.2.3
	golang.org/x/mod v0.40.0
	golang.org/x/sync v0.22.0
	golang.org/x/sys v0.47.0
	golang.org/x/tools v0.49.0
)

tool (
	github.com/bpf2lskel/bpf2lskel/cmd/bpf2lskel
	github.com/cilium/ebpf/cmd/bpf2go
)
